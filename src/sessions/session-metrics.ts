import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import type { EntityManager } from 'typeorm';
import { registerGauge } from '../common/gauge';
import { AfterCommit } from '../database/after-commit';
import { SessionCache } from './session-cache';
import type { Transport } from './session.entity';

const TRANSPORTS: Transport[] = ['bearer', 'cookie'];

/** Sessions that come and go, and how often one is found in memory. */
@Injectable()
export class SessionMetrics {
  private readonly openings: Counter<'transport'>;
  private readonly revocations: Counter;

  constructor(
    private readonly afterCommit: AfterCommit,
    cache: SessionCache,
    registry: Registry,
  ) {
    this.openings = new Counter({
      name: 'gatehouse_sessions_opened_total',
      help: 'Sessions opened, by what carries them: bearer (tokens) or cookie',
      labelNames: ['transport'],
      registers: [registry],
    });
    for (const transport of TRANSPORTS) this.openings.inc({ transport }, 0);
    this.revocations = new Counter({
      name: 'gatehouse_sessions_revoked_total',
      help: 'Sessions ended before their time: by logging out, a new password, theft, too many of them',
      registers: [registry],
    });
    registerGauge(
      registry,
      'gatehouse_session_cache_sessions',
      'Live sessions that are known in memory',
      () => cache.size,
    );
    const lookups = new Counter({
      name: 'gatehouse_session_cache_lookups_total',
      help: 'Requests whose session was known (hit) or had to be read from the database (miss)',
      labelNames: ['result'],
      registers: [],
      collect() {
        this.reset();
        this.inc({ result: 'hit' }, cache.hits);
        this.inc({ result: 'miss' }, cache.misses);
      },
    });
    registry.registerMetric(lookups);
  }

  /** Counts when the transaction is committed, and not if it is rolled back. */
  opened(transport: Transport, tx: EntityManager): void {
    this.afterCommit.do(tx, () => this.openings.inc({ transport }));
  }

  revoked(count: number, tx: EntityManager): void {
    this.afterCommit.do(tx, () => this.revocations.inc(count));
  }
}
