import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

/** `rotated`, or the code of the refusal. */
const OUTCOMES = ['rotated', 'token_invalid', 'token_expired', 'refresh_token_reused'] as const;

/** A token presented twice is one that somebody has copied: the one figure here that must stay at zero. */
@Injectable()
export class RefreshMetrics {
  private readonly refreshes: Counter<'outcome'>;

  constructor(registry: Registry) {
    this.refreshes = new Counter({
      name: 'gatehouse_refreshes_total',
      help: 'Refresh tokens presented: rotated, or refused with token_invalid, token_expired, refresh_token_reused',
      labelNames: ['outcome'],
      registers: [registry],
    });
    // From the beginning: of a series that appears with its first event Prometheus cannot tell that there was one.
    for (const outcome of OUTCOMES) this.refreshes.inc({ outcome }, 0);
  }

  count(outcome: string): void {
    this.refreshes.inc({ outcome });
  }
}
