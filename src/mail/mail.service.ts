import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../common/crypto/tokens';
import { Config } from '../config/config';
import { Jobs, type JobOptions } from '../jobs/jobs.service';
import { NOTHING, type LetterJob, type LetterName } from './letter-job';

/** A letter that is about to be sent. */
export interface Letter {
  /** The same for every try to deliver it. */
  id: string;
  userId: string;
  params: Record<string, string>;
}

export interface ComposedLetter {
  to: string;
  /** Everything the template of the letter names. */
  variables: Record<string, string>;
  /** A folder of `templates/`; English where it is absent or there is no such folder. */
  language?: string;
}

/** Writes a letter at the moment it is sent, or says with null that nobody wants it any more. */
export type Composer = (letter: Letter) => Promise<ComposedLetter | null>;

/** Longest wait between two tries, in seconds. Each letter draws its own, or all would come back in the same second. */
const LONGEST_WAIT = [289, 300] as const;
/** A letter outlives the time in which it is tried, in seconds: also a queue that nobody works for a while loses nothing. */
const SPARE_RETENTION = 14 * 24 * 3_600;

@Injectable()
export class MailService {
  private readonly composers = new Map<LetterName, Composer>();

  constructor(
    private readonly jobs: Jobs,
    private readonly config: Config,
  ) {}

  /** Names who writes a kind of letter: the flow that owns it. */
  register(template: LetterName, composer: Composer): void {
    if (this.composers.has(template)) throw new Error(`The letter ${template} has a composer already`);
    this.composers.set(template, composer);
  }

  /**
   * Promises a letter as part of the caller's transaction.
   *
   * @param params lie in the database until the letter is delivered and for a day after: never a secret among them
   */
  async enqueue(
    template: LetterName,
    userId: string,
    params: Record<string, string>,
    tx: EntityManager,
  ): Promise<void> {
    await this.send({ template, userId, params }, tx);
  }

  /**
   * Does the same work as `enqueue`, for nobody: the time of an answer must not tell whether there is an account that a
   * letter goes to.
   */
  async enqueueNothing(tx: EntityManager): Promise<void> {
    await this.send({ template: NOTHING, userId: newId(), params: {} }, tx);
  }

  /** Removes every letter to a user from the queue, sent or not: an account that is deleted leaves no trace there. */
  async forget(userId: string, tx: EntityManager): Promise<void> {
    for (const queue of ['mail', 'mail-parked'] as const) await this.jobs.remove(queue, { userId }, tx);
  }

  /** @throws Error where no flow has registered, as in an older replica that meets a letter of a newer one */
  composerOf(template: LetterName): Composer {
    const composer = this.composers.get(template);
    if (!composer) throw new Error('nobody composes this letter');
    return composer;
  }

  private async send(job: LetterJob, tx: EntityManager): Promise<void> {
    await this.jobs.enqueue('mail', job, this.options(), tx);
  }

  private options(): JobOptions {
    const { retryLimit } = this.config.mail;
    const [least, most] = LONGEST_WAIT;
    return {
      retryLimit,
      retryBackoff: true,
      retryDelayMax: least + Math.floor(Math.random() * (most - least + 1)),
      // pg-boss deletes what is older, tried or not, so this must exceed the time in which it is tried.
      retentionSeconds: retryLimit * 2 * most + SPARE_RETENTION,
    };
  }
}
