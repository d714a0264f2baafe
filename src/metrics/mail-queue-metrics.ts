import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Jobs, type QueueDepth } from '../jobs/jobs.service';
import { registerGauge } from '../common/gauge';

/** Milliseconds for which one look at the queue serves everybody who asks. */
const FRESH_MS = 5_000;
/** Milliseconds that whoever asks waits at most: Prometheus would give all the other metrics up as well. */
const PATIENCE_MS = 1_000;

/** The mail queue as the database knows it: the same figures from every replica. Left out while it does not answer. */
@Injectable()
export class MailQueueMetrics {
  private known?: { depth: QueueDepth; at: number };
  private looking?: Promise<void>;

  constructor(
    private readonly jobs: Jobs,
    registry: Registry,
  ) {
    const figures = [
      ['waiting_letters', 'Letters that wait to be sent', 'waiting'],
      ['parked_letters', 'Letters that cannot be delivered', 'parked'],
      ['oldest_waiting_seconds', 'Age of the oldest letter that waits; 0 where none does', 'oldestSeconds'],
    ] as const;
    for (const [name, help, figure] of figures)
      registerGauge(registry, `gatehouse_mail_${name}`, help, async () => (await this.latest())?.[figure]);
  }

  private async latest(): Promise<QueueDepth | undefined> {
    // One look at a time: a database that hangs is not asked again until it has answered or failed.
    if (!this.isFresh) this.looking ??= this.look().finally(() => (this.looking = undefined));
    if (this.looking) await Promise.race([this.looking, sleep(PATIENCE_MS, undefined, { ref: false })]);
    return this.isFresh ? this.known!.depth : undefined;
  }

  private get isFresh(): boolean {
    return this.known !== undefined && performance.now() - this.known.at < FRESH_MS;
  }

  private async look(): Promise<void> {
    const depth = await this.jobs.depth('mail').catch(() => undefined);
    this.known = depth && { depth, at: performance.now() };
  }
}
