import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { RevocationService } from '../../sessions/revocation.service';
import type { Transport } from '../../sessions/session.entity';
import { SessionsService, type OpenedSession } from '../../sessions/sessions.service';
import type { User } from '../../users/user.entity';
import { CsrfTokens } from '../cookies/csrf-tokens';
import { deviceName } from '../devices/device-name';
import { NoticesService } from '../notices/notices.service';
import { AccessTokens, type AccessToken } from '../tokens/access-tokens';
import { PasswordVerifier } from './password-verifier';

/** What a bearer client carries its session with. */
export interface TokenLogin {
  user: User;
  accessToken: AccessToken;
  refreshToken: string;
}

/** What a browser carries its session with. */
export interface CookieLogin {
  user: User;
  cookie: string;
  csrfToken: string;
  expiresAt: Date;
}

@Injectable()
export class LoginService {
  constructor(
    private readonly passwords: PasswordVerifier,
    private readonly sessions: SessionsService,
    private readonly revocation: RevocationService,
    private readonly accessTokens: AccessTokens,
    private readonly csrfTokens: CsrfTokens,
    private readonly notices: NoticesService,
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
  async loginWithTokens(user: User, client: ClientInfo): Promise<TokenLogin> {
    const opened = await this.transactions.run((tx) => this.openChecked(user, 'bearer', client, tx));
    return this.tokensOf(user, opened);
  }

  /** Opens a cookie session for a user who has just been authenticated. */
  async loginWithCookie(user: User, client: ClientInfo): Promise<CookieLogin> {
    const { session, token } = await this.transactions.run((tx) =>
      this.openChecked(user, 'cookie', client, tx),
    );
    return {
      user,
      cookie: token,
      csrfToken: this.csrfTokens.issue(session.id),
      expiresAt: session.expiresAt,
    };
  }

  /** Opens the first bearer session of an account within the transaction that makes it. */
  async loginNew(user: User, client: ClientInfo, tx: EntityManager): Promise<TokenLogin> {
    return this.tokensOf(user, await this.open(user, 'bearer', client, tx));
  }

  /** Ends the session that the request was made in. */
  async logout({ userId, sessionId }: Principal, client: ClientInfo): Promise<void> {
    await this.transactions.run((tx) => this.revocation.revokeOne(userId, sessionId, client, tx));
  }

  private async openChecked(user: User, transport: Transport, client: ClientInfo, tx: EntityManager) {
    if (!(await this.passwords.isStillRight(user, tx))) throw new AppError('invalid_credentials');
    return this.open(user, transport, client, tx);
  }

  private async open(
    user: User,
    transport: Transport,
    client: ClientInfo,
    tx: EntityManager,
  ): Promise<OpenedSession> {
    await this.tellOfNewDevice(user, client, tx);
    const opened = await this.sessions.open(user.id, transport, client, tx);
    await this.audit.record('login.succeeded', { userId: user.id, sessionId: opened.session.id, client }, tx);
    return opened;
  }

  /** Not at the very first login: that device is known to nobody and expected by all. */
  private async tellOfNewDevice(user: User, client: ClientInfo, tx: EntityManager): Promise<void> {
    if (!this.config.accounts.areNoticesSent) return;
    const known = new Set((await this.sessions.userAgentsOf(user.id, tx)).map(deviceName));
    if (known.size > 0 && !known.has(deviceName(client.userAgent)))
      await this.notices.tell('new-device', user, client, {}, tx);
  }

  private async tokensOf(user: User, { session, token }: OpenedSession): Promise<TokenLogin> {
    return { user, accessToken: await this.accessTokens.issue(user, session), refreshToken: token };
  }
}
