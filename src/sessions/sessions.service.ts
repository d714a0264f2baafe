import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, type EntityManager, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import { newId, randomOctets, sha256 } from '../common/crypto/tokens';
import type { ClientInfo } from '../common/http/client-info';
import { Config } from '../config/config';
import { insertionOf, type Insertion } from '../database/rows';
import { together } from '../database/together';
import { liveSessionOf } from './live-session';
import { RevocationService } from './revocation.service';
import { SessionCache } from './session-cache';
import { SessionMetrics } from './session-metrics';
import { Session, type Transport } from './session.entity';
import { SessionTokens } from './session-tokens';

/** Sessions of one user at a time; a further login ends the oldest. */
export const MOST_SESSIONS_PER_USER = 100;

export interface OpenedSession {
  session: Session;
  /** The refresh token or the content of the cookie. It is known to the caller only. */
  token: string;
  /** The User-Agent headers of the sessions that the user has had before. */
  earlierUserAgents: (string | null)[];
}

interface EarlierSessions {
  userAgents: (string | null)[];
  /** Ids of the oldest ones. */
  surplus: string[];
}

@Injectable()
export class SessionsService {
  private readonly insertion: Insertion<Session>;
  /** Inserts a session and tells of those before it, which is all that the rest of the statement sees. */
  private readonly opening: string;

  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly tokens: SessionTokens,
    private readonly revocation: RevocationService,
    private readonly cache: SessionCache,
    private readonly audit: AuditService,
    private readonly metrics: SessionMetrics,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {
    this.insertion = insertionOf(Session, sessions.manager.dataSource);
    const { text, places } = this.insertion;
    this.opening = `WITH opened AS (${text})
      SELECT coalesce(array_agg(DISTINCT user_agent), '{}') AS "userAgents",
        coalesce((array_agg(id ORDER BY created_at DESC, id DESC)
          FILTER (WHERE revoked_at IS NULL AND expires_at > $${places + 2}))[$${places + 3}:], '{}') AS surplus
      FROM sessions WHERE user_id = $${places + 1}`;
  }

  /**
   * Opens a session for a user who has just proven the password, and records that. Its secret is new, whatever the
   * request carried. Where there are too many sessions of the user, the oldest end.
   */
  async open(
    userId: string,
    transport: Transport,
    client: ClientInfo,
    tx: EntityManager,
  ): Promise<OpenedSession> {
    const now = this.clock.now();
    const secret = randomOctets(32);
    const session: Session = {
      id: newId(),
      userId,
      transport,
      secretHash: sha256(secret),
      generation: 0,
      rotatedAt: null,
      isGenerationUsed: false,
      ip: client.ip,
      userAgent: client.userAgent,
      createdAt: now,
      lastUsedAt: now,
      authenticatedAt: now,
      expiresAt: new Date(now.getTime() + this.config.sessions.ttl),
      revokedAt: null,
    };
    const sessionId = session.id;
    this.cache.keepAtCommit(liveSessionOf(session), this.cache.beginReading(), tx);
    const [earlier] = await together(
      this.insert(session, tx),
      this.audit.record('login.succeeded', { userId, sessionId, client }, tx),
    );
    this.metrics.opened(transport, tx);
    for (const id of earlier.surplus) await this.revocation.revokeOne(userId, id, client, tx);
    const content = { sessionId, generation: 0, secret };
    const token =
      transport === 'bearer' ? this.tokens.encodeRefresh(content) : this.tokens.encodeCookie(content);
    return { session, token, earlierUserAgents: earlier.userAgents };
  }

  /** The live sessions of a user, the latest used first. */
  listLive(userId: string): Promise<Session[]> {
    return this.sessions.find({
      where: { userId, revokedAt: IsNull(), expiresAt: MoreThan(this.clock.now()) },
      order: { lastUsedAt: 'DESC', id: 'DESC' },
    });
  }

  /** Live or over; null where it is not stored, or no more. */
  findById(id: string): Promise<Session | null> {
    return this.sessions.findOneBy({ id });
  }

  /** Every session of a user that is still stored, the newest first. */
  listAll(userId: string): Promise<Session[]> {
    return this.sessions.find({ where: { userId }, order: { createdAt: 'DESC', id: 'DESC' } });
  }

  /** Returns what the user's earlier sessions say to this one: where they came from, and which of them must end for it. */
  private async insert(session: Session, tx: EntityManager): Promise<EarlierSessions> {
    const values = this.insertion.valuesOf(session);
    values.push(session.userId, session.createdAt, MOST_SESSIONS_PER_USER);
    const [row] = await tx.query<EarlierSessions[]>(this.opening, values);
    return row!;
  }
}
