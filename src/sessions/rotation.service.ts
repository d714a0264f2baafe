import { Injectable } from '@nestjs/common';
import { IsNull, MoreThan, type EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { isEqual, sha256 } from '../common/crypto/tokens';
import { isConnectionLost } from '../common/errors/outage';
import type { ClientInfo } from '../common/http/client-info';
import { Config } from '../config/config';
import { Transactions } from '../database/transactions';
import type { UserView } from '../users/user.entity';
import { slidingExpiry } from './authentication.service';
import { liveSessionOf } from './live-session';
import { OwnedSessions } from './owned-sessions';
import { SessionCache } from './session-cache';
import { Session } from './session.entity';
import { SessionTokens, type RefreshTokenContent } from './session-tokens';

/** Two tabs, or a retry on a slow line, may present one token twice within this time. */
const REPEAT_WINDOW_MS = 10_000;

interface Rotated {
  outcome: 'rotated';
  session: Session;
  refreshToken: string;
}

/** With its owner as the account was in the moment of the rotation. */
type OwnedRotation = Rotated & { owner: UserView };

export type Rotation = Rotated | { outcome: 'reused'; session: Session } | 'invalid' | 'expired';

/**
 * Refresh tokens rotate by generation, a counter that only a compare-and-set moves. The token of the newest generation
 * is the only one that counts; an older one is a stolen one, with two narrow exceptions that get the same successor
 * again: the newest was never used (its answer was lost), or it began less than 10 seconds ago (two tabs).
 */
@Injectable()
export class RotationService {
  constructor(
    private readonly transactions: Transactions,
    private readonly ownedSessions: OwnedSessions,
    private readonly cache: SessionCache,
    private readonly tokens: SessionTokens,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /**
   * Moves the session on as most refreshes do, by one statement. Where its answer is lost or it finds nothing to do, `rotate`
   * has to judge: a token whose rotation took place after all gets the same successor from it.
   */
  async tryRotate(token: string, { ip, userAgent }: ClientInfo): Promise<OwnedRotation | undefined> {
    const presented = this.tokens.decodeRefresh(token);
    if (!presented) return undefined;
    const { sessions } = this.config;
    const now = this.clock.now();
    const readingSince = this.cache.beginReading();
    const [[row]] = await this.transactions
      .runOne((manager) =>
        manager.query<[object[], number]>(
          `UPDATE sessions SET generation = generation + 1, rotated_at = $4, is_generation_used = false, last_used_at = $4,
           expires_at = least($5::timestamptz, sessions.created_at + make_interval(secs => $6)), ip = $7, user_agent = $8
         FROM users
         WHERE sessions.id = $1 AND secret_hash = $2 AND generation = $3::bigint AND transport = 'bearer'
           AND revoked_at IS NULL AND expires_at > $4 AND users.id = user_id
         RETURNING ${this.ownedSessions.columns}`,
          [
            presented.sessionId,
            sha256(presented.secret),
            presented.generation,
            now,
            new Date(now.getTime() + sessions.ttl),
            sessions.maxTtl / 1000,
            ip,
            userAgent,
          ],
        ),
      )
      .catch(nothingIfLost);
    if (!row) return undefined;
    const { session, owner } = this.ownedSessions.of(row);
    this.cache.keep(liveSessionOf(session), readingSince);
    return { ...this.answer(session, presented), owner };
  }

  /** Judges a refresh token and moves the session on. What follows from reuse is the caller's to do, in the same `tx`. */
  async rotate(token: string, client: ClientInfo, tx: EntityManager): Promise<Rotation> {
    const presented = this.tokens.decodeRefresh(token);
    if (!presented) return 'invalid';
    // The row stays locked until the end: a logout that comes in between waits, and one that came first has won.
    const session = await tx.findOne(Session, {
      where: { id: presented.sessionId, transport: 'bearer' },
      lock: { mode: 'pessimistic_write' },
    });
    if (!session || session.revokedAt || !isEqual(session.secretHash, sha256(presented.secret)))
      return 'invalid';
    if (session.expiresAt <= this.clock.now()) return 'expired';
    if (presented.generation === session.generation) return this.advance(session, presented, client, tx);
    if (presented.generation > session.generation) return 'invalid';
    return this.isForgivable(presented.generation, session)
      ? this.answer(session, presented)
      : { outcome: 'reused', session };
  }

  private async advance(
    session: Session,
    presented: RefreshTokenContent,
    { ip, userAgent }: ClientInfo,
    tx: EntityManager,
  ): Promise<Rotation> {
    const now = this.clock.now();
    const { id, generation } = session;
    const change = {
      generation: generation + 1,
      rotatedAt: now,
      isGenerationUsed: false,
      lastUsedAt: now,
      expiresAt: new Date(slidingExpiry(session.createdAt.getTime(), now.getTime(), this.config)),
      ip,
      userAgent,
    };
    const { affected } = await tx.update(
      Session,
      { id, generation, revokedAt: IsNull(), expiresAt: MoreThan(now) },
      change,
    );
    return affected === 1 ? this.answer(Object.assign(session, change), presented) : 'invalid';
  }

  private answer(session: Session, { secret }: RefreshTokenContent): Rotated {
    const { id: sessionId, generation } = session;
    return {
      outcome: 'rotated',
      session,
      refreshToken: this.tokens.encodeRefresh({ sessionId, generation, secret }),
    };
  }

  private isForgivable(presented: number, { generation, isGenerationUsed, rotatedAt }: Session): boolean {
    if (presented !== generation - 1) return false;
    const age = this.clock.now().getTime() - (rotatedAt?.getTime() ?? 0);
    return !isGenerationUsed || (age >= 0 && age < REPEAT_WINDOW_MS);
  }
}

function nothingIfLost(error: unknown): [object[], number] {
  if (!isConnectionLost(error)) throw error;
  return [[], 0];
}
