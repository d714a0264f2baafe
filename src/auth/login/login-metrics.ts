import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

export type LoginOutcome = 'succeeded' | 'failed' | 'blocked' | 'unverified' | 'disabled';

/** One password tried on many accounts shows in no account's record: here it does. */
@Injectable()
export class LoginMetrics {
  private readonly attempts: Counter<'outcome'>;

  constructor(registry: Registry) {
    this.attempts = new Counter({
      name: 'gatehouse_login_attempts_total',
      help: 'Logins tried: succeeded, failed (wrong password or address), blocked, unverified, disabled',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  count(outcome: LoginOutcome): void {
    this.attempts.inc({ outcome });
  }
}
