import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { Jobs } from '../../jobs/jobs.service';

/** Letters that wait longer than this mean that the mail server does not take them. */
const STUCK_AFTER_SECONDS = 600;
const TIMEOUT_MS = 1_500;
const FRESH_MS = 1_000;

@Injectable()
export class MailQueueHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly jobs: Jobs,
  ) {}

  /** Degraded, not down, while letters are stuck: they are kept, and everything else works. */
  async mailQueue() {
    const check = this.indicators.check('mailQueue');
    const result = await check
      .attempt(async () => {
        const { waiting, parked, oldestSeconds } = await this.depth();
        return { waiting, parked, oldestSeconds };
      })
      .withTimeout(TIMEOUT_MS)
      .cacheFor(FRESH_MS);
    const { status, oldestSeconds, waiting, parked } = result.mailQueue as unknown as Depth & {
      status: string;
    };
    return status === 'up' && oldestSeconds > STUCK_AFTER_SECONDS
      ? check.degraded({ waiting, parked, oldestSeconds })
      : result;
  }

  private async depth(): Promise<Depth> {
    try {
      return await this.jobs.depth('mail');
    } catch {
      throw new Error('not readable');
    }
  }
}

interface Depth {
  waiting: number;
  parked: number;
  oldestSeconds: number;
}
