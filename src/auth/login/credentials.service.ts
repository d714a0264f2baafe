import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { normalizeEmail } from '../../common/validation/email-address';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { PasswordAttempts } from '../back-off/password-attempts.service';
import { Visitors, type Visitor } from '../back-off/visitors';
import { BreachWatch } from '../passwords/breach-watch';
import { LoginMetrics } from './login-metrics';
import { PasswordVerifier } from './password-verifier';

/** Whoever has just presented the right password of an account that may be used. */
export interface Authenticated {
  user: User;
  /** Wrong passwords in a row before this right one. */
  failuresBefore: number;
}

@Injectable()
export class CredentialsService {
  constructor(
    private readonly users: UsersService,
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
   * attempts are held back nobody is told anything.
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
    const [user, blocks] = await Promise.all([
      this.users.findByEmail(address),
      this.attempts.blocksOf(this.visitors.idsOf(visitor, address)),
    ]);
    const attempt = this.visitors.attemptOf(visitor, address, user, blocks);
    const verdict = await this.attempts.judge(attempt, blocks, user, password, client);
    if (!user || verdict.outcome !== 'right') {
      this.metrics.count(verdict.outcome === 'blocked' ? 'blocked' : 'failed');
      throw new AppError('invalid_credentials', { retryAfter: verdict.retryAfter });
    }
    await this.refuseUnfit(user, client);
    await this.passwords.upgrade(user, password);
    this.breachWatch.afterLogin(user, password, client);
    this.metrics.count('succeeded');
    return { user, failuresBefore: verdict.failuresBefore };
  }

  /** Those who know the password learn what is wrong with the account. */
  private async refuseUnfit(user: User, client: ClientInfo): Promise<void> {
    const isVerified = user.emailVerifiedAt !== null || !this.config.accounts.isVerificationRequired;
    if (user.isActive && isVerified) return;
    await this.transactions.run((tx) => this.audit.record('login.failed', { userId: user.id, client }, tx));
    this.metrics.count(user.isActive ? 'unverified' : 'disabled');
    throw new AppError(user.isActive ? 'email_not_verified' : 'account_disabled');
  }
}
