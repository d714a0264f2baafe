import { Logger } from '@nestjs/common';
import Redis from 'ioredis';
import { Throttle } from '../common/throttle';

/** Milliseconds that a request waits for Redis at most. Within a data centre an answer takes less than one. */
const ANSWER_MS = 25;
/** Milliseconds by which a timer of a busy event loop is late. */
const BUSY_MS = 5;
/** Milliseconds without Redis after it failed to answer; then one request tries again. */
const PAUSE_MS = 1_000;
/** Milliseconds after which a connection that answers nothing is given up for a new one. */
const DEAD_MS = 5_000;

/**
 * Redis, if it answers in time. It is never waited for: while it is away or slow one request a second tries it, and
 * all others go on without.
 */
export class SharedStore {
  readonly redis: Redis;
  private readonly logger = new Logger(SharedStore.name);
  private readonly throttle = new Throttle();
  private pausedUntil = 0;

  constructor(url: string) {
    this.redis = new Redis(url, {
      connectTimeout: 2_000,
      disconnectTimeout: 500,
      socketTimeout: DEAD_MS,
      // What cannot be sent now is of no use later.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // The commands of one tick travel together.
      enableAutoPipelining: true,
      retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
    });
    this.redis.on('error', (error: Error) => this.report(error));
  }

  /** Whether the last question was answered. */
  get isAnswering(): boolean {
    return this.redis.status === 'ready' && performance.now() >= this.pausedUntil;
  }

  /** The answer, or undefined where there is none in time. */
  async ask<Answer>(question: () => Promise<Answer>): Promise<Answer | undefined> {
    if (!this.isAnswering) return undefined;
    const isProbe = this.pausedUntil > 0;
    // Of the requests that wait for the end of the pause only this one goes.
    if (isProbe) this.pausedUntil = performance.now() + PAUSE_MS;
    try {
      const answer = await inTime(question());
      // What was asked before another question failed says nothing of the time since.
      if (isProbe) this.pausedUntil = 0;
      return answer;
    } catch (error) {
      this.pausedUntil = performance.now() + PAUSE_MS;
      this.report(error);
      return undefined;
    }
  }

  close(): void {
    this.redis.disconnect();
  }

  private report(err: unknown): void {
    const suppressed = this.throttle.pass('failed');
    if (suppressed === undefined) return;
    this.logger.warn({
      event: 'rate_limit.store_away',
      err,
      suppressed,
      msg: 'Redis does not answer: each process counts for itself, at half of the limits',
    });
  }
}

/**
 * Rejects late answers. It is Redis that is timed: what has arrived counts even if a busy event loop has not read it yet,
 * and a loop that was too busy to look at the clock gives one more chance.
 */
function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout;
    const giveUp = () => setImmediate(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)));
    const since = performance.now();
    const isLoopBusy = () => performance.now() - since > ANSWER_MS + BUSY_MS;
    const end = () => (isLoopBusy() ? (timer = setTimeout(giveUp, ANSWER_MS)) : giveUp());
    timer = setTimeout(end, ANSWER_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
