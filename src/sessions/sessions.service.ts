import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, type EntityManager, Repository } from 'typeorm';
import { Clock } from '../common/clock';
import { newId, sha256 } from '../common/crypto/tokens';
import type { ClientInfo } from '../common/http/client-info';
import { Config } from '../config/config';
import { RevocationService } from './revocation.service';
import { SessionMetrics } from './session-metrics';
import { Session, type Transport } from './session.entity';
import { SessionTokens } from './session-tokens';

/** Sessions of one user at a time; a further login ends the oldest. */
export const MOST_SESSIONS_PER_USER = 100;

export interface OpenedSession {
  session: Session;
  /** The refresh token or the content of the cookie. It is known to the caller only. */
  token: string;
}

@Injectable()
export class SessionsService {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly tokens: SessionTokens,
    private readonly revocation: RevocationService,
    private readonly metrics: SessionMetrics,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Opens a session for a user who has just proven the password. Its secret is new, whatever the request carried. */
  async open(
    userId: string,
    transport: Transport,
    client: ClientInfo,
    tx: EntityManager,
  ): Promise<OpenedSession> {
    const now = this.clock.now();
    const secret = randomBytes(32);
    const session = tx.create(Session, {
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
    });
    await tx.insert(Session, session);
    this.metrics.opened(transport, tx);
    await this.endOldest(userId, client, tx);
    const content = { sessionId: session.id, generation: 0, secret };
    const token =
      transport === 'bearer' ? this.tokens.encodeRefresh(content) : this.tokens.encodeCookie(content);
    return { session, token };
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

  /** The User-Agent headers of the sessions a user has had. */
  async userAgentsOf(userId: string, tx: EntityManager): Promise<(string | null)[]> {
    const rows = await tx
      .createQueryBuilder(Session, 'session')
      .select('DISTINCT session.user_agent', 'userAgent')
      .where({ userId })
      .getRawMany<{ userAgent: string | null }>();
    return rows.map(({ userAgent }) => userAgent);
  }

  private async endOldest(userId: string, client: ClientInfo, tx: EntityManager): Promise<void> {
    const surplus = await tx.find(Session, {
      select: { id: true },
      where: { userId, revokedAt: IsNull(), expiresAt: MoreThan(this.clock.now()) },
      order: { createdAt: 'DESC', id: 'DESC' },
      skip: MOST_SESSIONS_PER_USER,
    });
    for (const { id } of surplus) await this.revocation.revokeOne(userId, id, client, tx);
  }
}
