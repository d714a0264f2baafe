import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { Config } from '../../config/config';
import { together } from '../../database/together';
import { Transactions } from '../../database/transactions';
import { RevocationService } from '../../sessions/revocation.service';
import type { Transport } from '../../sessions/session.entity';
import { SessionsService, type OpenedSession } from '../../sessions/sessions.service';
import { viewOf, type User, type UserView } from '../../users/user.entity';
import { SUSPICIOUS_FAILURES } from '../back-off/schedule';
import { CsrfTokens } from '../cookies/csrf-tokens';
import { deviceName } from '../devices/device-name';
import { NoticesService } from '../notices/notices.service';
import { AccessTokens, type AccessToken } from '../tokens/access-tokens';
import { CredentialsService, type Authenticated } from './credentials.service';
import { PasswordVerifier } from './password-verifier';

/** What a bearer client carries its session with. */
export interface TokenLogin {
  user: UserView;
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
    private readonly credentials: CredentialsService,
    private readonly passwords: PasswordVerifier,
    private readonly sessions: SessionsService,
    private readonly revocation: RevocationService,
    private readonly accessTokens: AccessTokens,
    private readonly csrfTokens: CsrfTokens,
    private readonly notices: NoticesService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  /** Opens a bearer session for a user who has just been authenticated. */
  async loginWithTokens(login: Authenticated, client: ClientInfo): Promise<TokenLogin> {
    return this.tokensOf(login.user, await this.openAccepted(login, 'bearer', client));
  }

  /** Opens a cookie session for a user who has just been authenticated. */
  async loginWithCookie(login: Authenticated, client: ClientInfo): Promise<CookieLogin> {
    const { session, token } = await this.openAccepted(login, 'cookie', client);
    return {
      user: login.user,
      cookie: token,
      csrfToken: this.csrfTokens.issue(session.id),
      expiresAt: session.expiresAt,
    };
  }

  /** Opens the first bearer session of an account within the transaction that makes it. */
  async loginNew(user: User, client: ClientInfo, tx: EntityManager): Promise<TokenLogin> {
    return this.tokensOf(user, await this.sessions.open(user.id, 'bearer', client, tx));
  }

  /** Ends the session that the request was made in. */
  async logout({ userId, sessionId }: Principal, client: ClientInfo): Promise<void> {
    await this.transactions.run((tx) => this.revocation.revokeOne(userId, sessionId, client, tx));
  }

  private async openAccepted(
    login: Authenticated,
    transport: Transport,
    client: ClientInfo,
  ): Promise<OpenedSession> {
    const { user } = login;
    const session = await this.transactions.run(async (tx) => {
      const [, failuresBefore, opened] = await together(
        this.refuseChanged(user, tx),
        this.credentials.accept(login, tx),
        this.sessions.open(user.id, transport, client, tx),
      );
      await this.tellOfSuspicion(user, failuresBefore, opened, client, tx);
      return opened;
    });
    await this.credentials.followUp(login, client);
    return session;
  }

  private async refuseChanged(user: User, tx: EntityManager): Promise<void> {
    if (!(await this.passwords.isStillRight(user, tx))) throw new AppError('invalid_credentials');
  }

  /**
   * A login after many wrong passwords, or from a new device (ASVS 6.3.5). Not of the device at the very first login: it
   * is known to nobody and expected by all.
   */
  private async tellOfSuspicion(
    user: User,
    failuresBefore: number,
    { earlierUserAgents }: OpenedSession,
    client: ClientInfo,
    tx: EntityManager,
  ): Promise<void> {
    if (!this.config.accounts.areNoticesSent) return;
    if (failuresBefore >= SUSPICIOUS_FAILURES) {
      const variables = { failures: String(failuresBefore) };
      return this.notices.tell('login-after-failures', user, client, variables, tx);
    }
    const known = new Set(earlierUserAgents.map(deviceName));
    if (known.size > 0 && !known.has(deviceName(client.userAgent)))
      await this.notices.tell('new-device', user, client, {}, tx);
  }

  private tokensOf(user: User, { session, token }: OpenedSession): TokenLogin {
    return { user: viewOf(user), accessToken: this.accessTokens.issue(user, session), refreshToken: token };
  }
}
