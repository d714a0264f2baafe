import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, type EntityManager, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import type { Principal } from '../common/access/principal';
import { newId } from '../common/crypto/tokens';
import type { ClientInfo } from '../common/http/client-info';
import { Config } from '../config/config';
import { RefreshTokenCodec } from './refresh-token';
import { Session, type Transport } from './session.entity';

export interface OpenedSession {
  session: Session;
  refreshToken: string;
}

@Injectable()
export class SessionsService {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly refreshTokens: RefreshTokenCodec,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Opens a session for a user who has just proven the password. Its secret is new and known to the caller only. */
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
      secretHash: createHash('sha256').update(secret).digest(),
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
    const refreshToken = this.refreshTokens.encode({ sessionId: session.id, generation: 0, secret });
    return { session, refreshToken };
  }

  /** The principal of a session that is neither ended nor expired; undefined otherwise. */
  async authenticate(sessionId: string, userId: string): Promise<Principal | undefined> {
    const session = await this.sessions.findOne({
      select: { id: true, userId: true, transport: true, authenticatedAt: true },
      where: { id: sessionId, userId, revokedAt: IsNull(), expiresAt: MoreThan(this.clock.now()) },
    });
    if (!session) return undefined;
    const { transport, authenticatedAt } = session;
    return { userId, sessionId, transport, authenticatedAt };
  }

  /** Ends one session. Its access token is refused from the next request on. */
  async revoke({ sessionId, userId }: Principal, client: ClientInfo, tx: EntityManager): Promise<void> {
    const { affected } = await tx.update(
      Session,
      { id: sessionId, userId, revokedAt: IsNull() },
      { revokedAt: this.clock.now() },
    );
    if (affected === 1) await this.audit.record('session.revoked', { userId, sessionId, client }, tx);
  }
}
