import { Logger } from '@nestjs/common';
import type { JobResult, JobWithMetadata, PgBoss } from 'pg-boss';
import { describe, JobError, type JobHandler } from './job';
import { QUEUES, type QueueName } from './queues';
import type { Throttle } from '../common/throttle';

/** How often an idle worker looks for jobs that other processes enqueued or that have become due. */
const POLL_SECONDS = 2;

/**
 * The workers of one queue in this process. Each takes one job at a time and settles it at once: a slow job holds up
 * nobody else, and a crash leaves in doubt no more than the jobs under way.
 */
export class Crew {
  private readonly logger = new Logger(Crew.name);
  private readonly members: { id: string; isBusy: boolean }[] = [];

  constructor(
    readonly queue: QueueName,
    private readonly handler: JobHandler,
    private readonly throttle: Throttle,
  ) {}

  async join(boss: PgBoss): Promise<void> {
    while (this.members.length < QUEUES[this.queue].workers) {
      const member = { id: '', isBusy: false };
      const options = {
        perJobResults: true,
        includeMetadata: true,
        pollingIntervalSeconds: POLL_SECONDS,
      } as const;
      member.id = await boss.work<object, unknown, typeof options>(this.queue, options, async ([job]) => {
        member.isBusy = true;
        // Where there is one job there may be more: every idle worker wakes the next.
        this.nudge(boss);
        const result = await this.work(job!);
        member.isBusy = false;
        boss.notifyWorker(member.id);
        return [result];
      });
      this.members.push(member);
    }
  }

  /** Makes an idle worker look now; where all are busy, the first to finish looks anyway. */
  nudge(boss: PgBoss): void {
    const idle = this.members.find(({ isBusy }) => !isBusy);
    if (idle) boss.notifyWorker(idle.id);
  }

  private async work(job: JobWithMetadata): Promise<JobResult> {
    const { id, data, retryCount: tries, retryLimit, signal } = job;
    try {
      await this.handler({ id, data, tries, isLastTry: tries >= retryLimit, signal });
      return { id, status: 'completed' };
    } catch (error) {
      if (error instanceof JobError)
        return { id, status: error.isPermanent ? 'deadletter' : 'failed', output: error.details };
      const details = describe(error);
      this.report(id, tries, details);
      return { id, status: 'failed', output: details };
    }
  }

  private report(jobId: string, tries: number, details: object): void {
    const suppressed = this.throttle.pass(`failed ${this.queue}`);
    if (suppressed === undefined) return;
    const { queue } = this;
    this.logger.error({
      event: 'job.failed',
      queue,
      jobId,
      tries,
      ...details,
      suppressed,
      msg: 'a job failed and will be tried again',
    });
  }
}
