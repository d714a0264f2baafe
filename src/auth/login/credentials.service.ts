import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { normalizeEmail } from '../../common/validation/email-address';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import type { User } from '../../users/user.entity';
import { PasswordAttempts, type Attempt } from '../back-off/password-attempts.service';
import { Visitors, type Visitor } from '../back-off/visitors';
import { BreachWatch } from '../passwords/breach-watch';
import { LoginMetrics } from './login-metrics';
import { LoginReads } from './login-reads';
import { PasswordVerifier } from './password-verifier';

/** Whoever has just presented the right password of an account that may be used. It is still to be accepted. */
export interface Authenticated {
  user: User;
  password: string;
  attempt: Attempt;
}

@Injectable()
export class CredentialsService {
  constructor(
    private readonly reads: LoginReads,
    private readonly visitors: Visitors,
    private readonly attempts: PasswordAttempts,
    private readonly passwords: PasswordVerifier,
    private readonly breachWatch: BreachWatch,
    private readonly metrics: LoginMetrics,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  /**
   * Judges a login attempt. What is wrong with the account is told only to whoever knows its password, and while
   * attempts are held back nobody is told anything. Whoever is let in is to be accepted (`accept`) before anything follows.
   *
   * @throws AppError `invalid_credentials`, after which `retryAfter` holds back | `account_disabled` |
   *   `email_not_verified` | `overloaded`
   */
  async authenticate(
    email: string,
    password: string,
    visitor: Visitor,
    client: ClientInfo,
  ): Promise<Authenticated> {
    const address = normalizeEmail(email)!;
    const ids = this.visitors.idsOf(visitor, address);
    const { user, blocks } = await this.reads.read(address, ids);
    const attempt = this.visitors.attemptOf(visitor, ids[0], user, blocks);
    const verdict = await this.attempts.compare(attempt, blocks, user, password, client);
    if (!user || verdict.outcome !== 'right') {
      this.metrics.count(verdict.outcome === 'blocked' ? 'blocked' : 'failed');
      throw new AppError('invalid_credentials', { retryAfter: verdict.retryAfter });
    }
    const login = { user, password, attempt };
    await this.refuseUnfit(login, client);
    return login;
  }

  /**
   * Accepts the password, in the transaction that opens the session.
   *
   * @returns how many wrong ones in a row came before it
   * @throws AppError `invalid_credentials` where a block has begun since it was compared
   */
  async accept({ attempt }: Authenticated, tx?: EntityManager): Promise<number> {
    const accepted = await this.attempts.accept(attempt, tx);
    if (typeof accepted === 'number') return accepted;
    this.metrics.count('blocked');
    throw new AppError('invalid_credentials', accepted);
  }

  /** What follows once the session is open. A failure costs nobody the login. */
  async followUp({ user, password }: Authenticated, client: ClientInfo): Promise<void> {
    this.metrics.count('succeeded');
    this.breachWatch.afterLogin(user, password, client);
    await this.passwords.upgrade(user, password);
  }

  /** Those who know the password learn what is wrong with the account. */
  private async refuseUnfit(login: Authenticated, client: ClientInfo): Promise<void> {
    const { user } = login;
    const isVerified = user.emailVerifiedAt !== null || !this.config.accounts.isVerificationRequired;
    if (user.isActive && isVerified) return;
    await this.accept(login);
    await this.transactions.run((tx) => this.audit.record('login.failed', { userId: user.id, client }, tx));
    this.metrics.count(user.isActive ? 'unverified' : 'disabled');
    throw new AppError(user.isActive ? 'email_not_verified' : 'account_disabled');
  }
}
