import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { describe, JobError, type Job } from '../jobs/job';
import { Jobs } from '../jobs/jobs.service';
import { Throttle } from '../common/throttle';
import { isSendable } from './address';
import { NOTHING, type LetterJob } from './letter-job';
import { MailService } from './mail.service';
import { Renderer } from './renderer';
import { smtpFailureOf } from './smtp-failure';
import { Transport } from './transport';

/** Letters that are remembered as taken by the server. */
const REMEMBERED = 1_000;
const HURRY_EVERY_MS = 5 * 60_000;

/** Takes letters from the queue and hands them to the mail server. */
@Injectable()
export class MailWorker implements OnModuleInit {
  private readonly logger = new Logger(MailWorker.name);
  private readonly throttle = new Throttle();
  private readonly taken = new Set<string>();
  private isServerAway = false;
  private hurriedAt = -Infinity;

  constructor(
    private readonly mail: MailService,
    private readonly renderer: Renderer,
    private readonly transport: Transport,
    private readonly jobs: Jobs,
  ) {}

  onModuleInit(): void {
    this.jobs.work<LetterJob>('mail', (job) => this.deliver(job));
  }

  private async deliver(job: Job<LetterJob>): Promise<void> {
    const { template, userId, params } = job.data;
    // Taken before, but the database was away when that should have been noted: once is enough.
    if (template === NOTHING || this.taken.has(job.id)) return;
    const composed = await this.attempt(job, () =>
      this.mail.composerOf(template)({ id: job.id, userId, params }),
    );
    if (!composed) return;
    const { to, variables, language } = composed;
    if (!isSendable(to)) throw this.parked(job, { code: 'EADDRESS' });
    const words = await this.attempt(job, () => this.renderer.render(template, language, variables));
    try {
      await this.transport.send({ id: job.id, to, ...words }, job.signal);
    } catch (error) {
      const { isPermanent, isServerAway, ...reason } = smtpFailureOf(error);
      this.isServerAway ||= isServerAway;
      throw isPermanent || job.isLastTry ? this.parked(job, reason) : this.deferred(job, reason);
    }
    this.remember(job.id);
    this.logger.log({
      event: 'mail.sent',
      letterId: job.id,
      template,
      tries: job.tries + 1,
      msg: 'a letter was sent',
    });
    await this.hurryAfterOutage();
  }

  /** Anything that fails before the mail server is asked: a mistake of ours, or the database. */
  private async attempt<T>(job: Job<LetterJob>, step: () => T | Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      const reason = describe(error);
      throw job.isLastTry ? this.parked(job, reason) : this.deferred(job, reason);
    }
  }

  private parked(job: Job<LetterJob>, reason: JobError['details']): JobError {
    const { template } = job.data;
    const msg = 'a letter cannot be delivered and was parked';
    this.logger.warn({
      event: 'mail.parked',
      letterId: job.id,
      template,
      tries: job.tries + 1,
      ...reason,
      msg,
    });
    return new JobError(reason, true);
  }

  private deferred(job: Job<LetterJob>, reason: JobError['details']): JobError {
    const suppressed = this.throttle.pass(`deferred ${reason.code ?? reason.error}`);
    if (suppressed !== undefined) {
      const { template } = job.data;
      const msg = 'a letter could not be delivered and will be tried again';
      this.logger.warn({
        event: 'mail.deferred',
        letterId: job.id,
        template,
        tries: job.tries + 1,
        ...reason,
        suppressed,
        msg,
      });
    }
    return new JobError(reason, false);
  }

  private remember(letterId: string): void {
    this.taken.add(letterId);
    if (this.taken.size > REMEMBERED) this.taken.delete(this.taken.values().next().value!);
  }

  /** The first letter that gets through after an outage calls the others, who would wait for up to five minutes. */
  private async hurryAfterOutage(): Promise<void> {
    if (!this.isServerAway || performance.now() - this.hurriedAt < HURRY_EVERY_MS) return;
    this.isServerAway = false;
    this.hurriedAt = performance.now();
    await this.jobs.hurry('mail').catch(() => undefined);
  }
}
