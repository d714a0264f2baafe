import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { SessionsService } from '../../sessions/sessions.service';
import type { User } from '../../users/user.entity';
import { AccessTokens } from '../tokens/access-tokens';
import { PasswordVerifier } from './password-verifier';

export interface LoginResult {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  refreshToken: string;
  user: User;
}

@Injectable()
export class LoginService {
  constructor(
    private readonly passwords: PasswordVerifier,
    private readonly sessions: SessionsService,
    private readonly accessTokens: AccessTokens,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  /**
   * Judges a login attempt. What is wrong with the account is told only to whoever knows its password.
   *
   * @throws AppError `invalid_credentials` | `account_disabled` | `email_not_verified` | `overloaded`
   */
  async authenticate(email: string, password: string, client: ClientInfo): Promise<User> {
    const { user, isRight } = await this.passwords.check(email, password);
    if (
      user &&
      isRight &&
      user.isActive &&
      (user.emailVerifiedAt || !this.config.accounts.isVerificationRequired)
    )
      return user;
    await this.transactions.run((tx) =>
      this.audit.record('login.failed', { userId: user?.id ?? null, client }, tx),
    );
    if (!user || !isRight) throw new AppError('invalid_credentials');
    throw new AppError(user.isActive ? 'email_not_verified' : 'account_disabled');
  }

  /** Opens a bearer session for a user who has just been authenticated. */
  login(user: User, client: ClientInfo): Promise<LoginResult> {
    return this.transactions.run(async (tx) => {
      if (!(await this.passwords.isStillRight(user, tx))) throw new AppError('invalid_credentials');
      return this.openSession(user, client, tx);
    });
  }

  /** Opens a bearer session within the transaction that made or checked the account. */
  async openSession(user: User, client: ClientInfo, tx: EntityManager): Promise<LoginResult> {
    const { session, refreshToken } = await this.sessions.open(user.id, 'bearer', client, tx);
    await this.audit.record('login.succeeded', { userId: user.id, sessionId: session.id, client }, tx);
    const { token, expiresIn } = await this.accessTokens.issue({
      userId: user.id,
      email: user.email,
      sessionId: session.id,
    });
    return { accessToken: token, expiresIn, refreshToken, user };
  }

  /** Ends the session that the request was made in. */
  logout(principal: Principal, client: ClientInfo): Promise<void> {
    return this.transactions.run((tx) => this.sessions.revoke(principal, client, tx));
  }
}
