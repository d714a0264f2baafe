import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { AppError } from '../../common/errors/app-error';
import type { ErrorKey } from '../../common/errors/catalogue';
import type { ClientInfo } from '../../common/http/client-info';
import { logSecurityEvent } from '../../common/log/security-log';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { RevocationService } from '../../sessions/revocation.service';
import { RotationService } from '../../sessions/rotation.service';
import type { Session } from '../../sessions/session.entity';
import { viewOf, type UserView } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import type { TokenLogin } from '../login/login.service';
import { NoticesService } from '../notices/notices.service';
import { AccessTokens } from '../tokens/access-tokens';
import { RefreshMetrics } from './refresh-metrics';

type Refreshed = { user: UserView; session: Session; refreshToken: string };

@Injectable()
export class RefreshService {
  constructor(
    private readonly rotation: RotationService,
    private readonly revocation: RevocationService,
    private readonly accessTokens: AccessTokens,
    private readonly users: UsersService,
    private readonly notices: NoticesService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly metrics: RefreshMetrics,
    private readonly config: Config,
  ) {}

  /**
   * Trades a refresh token for the next one and an access token.
   *
   * @throws AppError `token_invalid` | `token_expired` | `refresh_token_reused`
   */
  async refresh(token: string, client: ClientInfo): Promise<TokenLogin> {
    // A refusal is a result, not an exception: what it has set down (the end of a stolen session) is to be committed.
    const result =
      (await this.tryRefresh(token, client)) ??
      (await this.transactions.run((tx) => this.judge(token, client, tx)));
    this.metrics.count(typeof result === 'string' ? result : 'rotated');
    if (typeof result === 'string') throw new AppError(result);
    const { user, session, refreshToken } = result;
    const { ip, requestId } = client;
    logSecurityEvent('token.refreshed', { userId: user.id, sessionId: session.id, ip, requestId });
    return { user, accessToken: this.accessTokens.issue(user, session), refreshToken };
  }

  /** Undefined where there is something to judge. Whoever may not go on although the token was right is found out there. */
  private async tryRefresh(token: string, client: ClientInfo): Promise<Refreshed | undefined> {
    const rotated = await this.rotation.tryRotate(token, client);
    return rotated && this.isAllowed(rotated.owner) ? { ...rotated, user: rotated.owner } : undefined;
  }

  private async judge(token: string, client: ClientInfo, tx: EntityManager): Promise<Refreshed | ErrorKey> {
    const rotation = await this.rotation.rotate(token, client, tx);
    if (rotation === 'invalid') return 'token_invalid';
    if (rotation === 'expired') return 'token_expired';
    const { session } = rotation;
    if (rotation.outcome === 'reused') {
      await this.endStolen(session, client, tx);
      return 'refresh_token_reused';
    }
    const owner = await this.users.findById(session.userId, tx);
    const user = owner && viewOf(owner);
    if (!user || !this.isAllowed(user)) {
      await this.revocation.revokeOne(session.userId, session.id, client, tx);
      return 'token_invalid';
    }
    return { user, session, refreshToken: rotation.refreshToken };
  }

  /** Who of the two has the stolen token nobody can tell, so neither goes on; the owner is told. */
  private async endStolen(session: Session, client: ClientInfo, tx: EntityManager): Promise<void> {
    const { id: sessionId, userId } = session;
    await this.audit.record('refresh.reused', { userId, sessionId, client }, tx);
    await this.revocation.revokeOne(userId, sessionId, client, tx);
    const owner = await this.users.findById(userId, tx);
    if (owner) await this.notices.tell('refresh-reused', owner, session, {}, tx);
  }

  private isAllowed({ isActive, emailVerified }: UserView): boolean {
    return isActive && (emailVerified || !this.config.accounts.isVerificationRequired);
  }
}
