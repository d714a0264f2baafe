import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import type { ClientInfo } from '../../common/http/client-info';
import { Transactions } from '../../database/transactions';
import { MailService } from '../../mail/mail.service';
import type { User } from '../../users/user.entity';
import { NoticesService } from '../notices/notices.service';
import { PasswordHasher } from '../passwords/password-hasher';
import { LoginFailures, type Blocks, type CountedFailure, type Refusal } from './login-failures';
import { MOST_CONSECUTIVE } from './schedule';

/** Somebody says what the password of an account is. */
export interface Attempt {
  /** What it counts under, if it is wrong. */
  failures: Buffer;
  /** What is forgotten along with that, if it is right. */
  forgets: Buffer[];
  /** Whether a wrong one goes into the audit trail. */
  isRecorded: boolean;
  /** Whether the owner is told when it was the last one before a reset. */
  isTold: boolean;
}

export interface Verdict {
  /** Of a blocked one nobody learns whether it was right or wrong, and of a right one not before it is accepted. */
  outcome: 'right' | 'wrong' | 'blocked';
  /** Seconds to the next attempt, where it has to wait. */
  retryAfter?: number;
}

/** The one place where passwords are tried: no path to a comparison leads round the count of wrong ones. */
@Injectable()
export class PasswordAttempts {
  constructor(
    private readonly failures: LoginFailures,
    private readonly hasher: PasswordHasher,
    private readonly notices: NoticesService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** The blocks that stand now, to be asked for while the account is looked up. */
  blocksOf(ids: Buffer[]): Promise<Blocks> {
    return this.failures.blocksOf(ids);
  }

  /**
   * Compares and, where it was right, accepts.
   *
   * @param blocks as they were a moment ago
   * @throws AppError `overloaded`
   */
  async judge(
    attempt: Attempt,
    blocks: Blocks,
    user: User | null,
    password: string,
    client: ClientInfo,
  ): Promise<Verdict> {
    const verdict = await this.compare(attempt, blocks, user, password, client);
    const accepted = verdict.outcome === 'right' ? await this.accept(attempt) : 0;
    return typeof accepted === 'number' ? verdict : blocked(accepted);
  }

  /**
   * Judges an attempt, in the same time whether there is an account or not. A refused one costs neither a hash nor the
   * next one a second: ignoring a block does not prolong it. A right one is still to be accepted.
   *
   * @param blocks as they were a moment ago
   * @throws AppError `overloaded`
   */
  async compare(
    attempt: Attempt,
    blocks: Blocks,
    user: User | null,
    password: string,
    client: ClientInfo,
  ): Promise<Verdict> {
    const refusal = blocks.refusalOf(attempt.failures);
    if (refusal) return blocked(refusal);
    // The hash runs for unknown addresses too: response time must not tell which exist.
    if (!(await this.hasher.verify(password, user?.passwordHash ?? null)))
      return this.fail(attempt, user, client);
    return { outcome: 'right' };
  }

  /**
   * Takes a right password, and forgets the wrong ones before it: in the transaction of what it is good for, where there is
   * one.
   *
   * @returns how many they were in a row, or a refusal where a block has begun meanwhile
   */
  accept({ failures, forgets }: Attempt, tx?: EntityManager): Promise<number | Refusal> {
    return this.failures.accept(failures, forgets, tx);
  }

  private async fail(attempt: Attempt, user: User | null, client: ClientInfo): Promise<Verdict> {
    const counted = await this.transactions.run(async (tx) => {
      const failure = await this.failures.count(attempt.failures, tx);
      if (failure) await this.record(attempt, failure, user, client, tx);
      return failure;
    });
    if (counted) return { outcome: 'wrong', retryAfter: counted.retryAfter };
    const blocks = await this.failures.blocksOf([attempt.failures]);
    return blocked(blocks.refusalOf(attempt.failures) ?? { retryAfter: 1 });
  }

  /** Of a block, its beginning only: refused attempts are free, and would fill the table. */
  private async record(
    { isRecorded, isTold }: Attempt,
    { isLongestFirst, isLast }: CountedFailure,
    user: User | null,
    client: ClientInfo,
    tx: EntityManager,
  ): Promise<void> {
    const subject = { userId: user?.id ?? null, client };
    if (isRecorded) await this.audit.record('login.failed', subject, tx);
    if (isLongestFirst || isLast) await this.audit.record('login.blocked', subject, tx);
    if (!isLast || !isTold) return;
    const variables = { failures: String(MOST_CONSECUTIVE) };
    if (user?.isActive) await this.notices.tell('password-locked', user, client, variables, tx);
    else await this.mail.enqueueNothing(tx);
  }
}

function blocked({ retryAfter }: Refusal): Verdict {
  return { outcome: 'blocked', retryAfter };
}
