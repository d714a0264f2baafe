import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Clock } from '../common/clock';
import { isEqual } from '../common/crypto/tokens';
import { isWriteRefused } from '../common/errors/read-only';
import { Config } from '../config/config';
import { readRows } from '../database/rows';
import { UsersService } from '../users/users.service';
import { liveSessionOf, type LiveSession } from './live-session';
import { OwnedSessions } from './owned-sessions';
import { SessionCache } from './session-cache';
import { Session } from './session.entity';
import { SessionTokens, type CookieContent } from './session-tokens';

/** Use is written down at most this often. */
const USE_RESOLUTION_MS = 60_000;

/** What an access token says, once it is known to be ours. */
export interface AccessTokenContent {
  userId: string;
  sessionId: string;
  /** The generation of the session that it was issued with. */
  generation: number;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface UsedSession {
  session: LiveSession;
  /** Whether this use has moved the session's end. */
  isExtended: boolean;
}

/**
 * Says whether the session behind a credential lives. A hot session is answered from memory without a query; see
 * `SessionCache` for why that is safe.
 */
@Injectable()
export class AuthenticationService {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly ownedSessions: OwnedSessions,
    private readonly users: UsersService,
    private readonly cache: SessionCache,
    private readonly tokens: SessionTokens,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** The session behind a token that has not expired. */
  async byAccessToken({
    sessionId,
    userId,
    generation,
  }: AccessTokenContent): Promise<UsedSession | undefined> {
    const session = await this.findLive(sessionId, generation);
    if (session?.userId !== userId || session.transport !== 'bearer') return undefined;
    return this.use(session, provesReceipt(session, generation));
  }

  /** @param token the content of the cookie */
  async byCookie(token: string): Promise<UsedSession | undefined> {
    const content = this.tokens.decodeCookie(token);
    const session = content && (await this.findLive(content.sessionId, 0));
    if (!session || !isCookieOf(session, content!)) return undefined;
    return this.use(session, false);
  }

  /** What `byAccessToken` would answer, if memory has it and nothing is to be written down; undefined says nothing. */
  recallByAccessToken({ sessionId, userId, generation }: AccessTokenContent): LiveSession | undefined {
    const known = this.recall(sessionId, generation);
    const isIts = known?.userId === userId && known.transport === 'bearer';
    return isIts && !provesReceipt(known, generation) ? this.hit(known) : undefined;
  }

  /** What `byCookie` would answer, likewise. */
  recallByCookie(token: string): LiveSession | undefined {
    const content = this.tokens.decodeCookie(token);
    const known = content && this.recall(content.sessionId, 0);
    return known && isCookieOf(known, content!) ? this.hit(known) : undefined;
  }

  private recall(id: string, generation: number): LiveSession | undefined {
    const known = this.findKnown(id, generation);
    return known && this.isNoted(known, this.clock.now().getTime()) ? known : undefined;
  }

  /** What is known may be behind the row, never before it in being revoked: so only a live answer is taken from memory. */
  private findKnown(id: string, generation: number): LiveSession | undefined {
    const known = this.cache.find(id);
    return known && this.isLive(known) && known.generation >= generation ? known : undefined;
  }

  private hit(known: LiveSession): LiveSession {
    this.cache.hits += 1;
    return known;
  }

  private async findLive(id: string, generation: number): Promise<LiveSession | undefined> {
    const known = this.findKnown(id, generation);
    if (known) return this.hit(known);
    this.cache.misses += 1;
    const readingSince = this.cache.beginReading();
    const readingOwnersSince = this.users.beginReading();
    const text = `SELECT ${this.ownedSessions.columns} FROM sessions JOIN users ON users.id = user_id
      WHERE sessions.id = $1 AND revoked_at IS NULL`;
    const [row] = await readRows<object>(text, [id], this.sessions.manager);
    if (!row) return undefined;
    const { session: stored, owner } = this.ownedSessions.of(row);
    const session = liveSessionOf(stored);
    if (!this.isLive(session)) return undefined;
    this.cache.keep(session, readingSince);
    this.users.keep(owner, readingOwnersSince);
    return session;
  }

  private isLive({ expiresAt }: LiveSession): boolean {
    return expiresAt > this.clock.now().getTime();
  }

  /** Whether the last use that was written down is recent enough. */
  private isNoted({ lastUsedAt }: LiveSession, now: number): boolean {
    return now - lastUsedAt < USE_RESOLUTION_MS;
  }

  /** Notes the use, once a minute, and slides the end of a cookie session; a bearer session slides when it refreshes. */
  private async use(session: LiveSession, isReceipt: boolean): Promise<UsedSession> {
    const now = this.clock.now().getTime();
    const isNew = !this.isNoted(session, now) && (await this.noteUse(session, now));
    if (isReceipt) await this.noteReceipt(session);
    return { session, isExtended: isNew && session.transport === 'cookie' };
  }

  /** Returns false where the database only reads at the moment: what asks for nothing more goes on all the same. */
  private async noteUse(session: LiveSession, now: number): Promise<boolean> {
    const { id, createdAt, lastUsedAt, expiresAt } = session;
    const slides = session.transport === 'cookie';
    // In memory first: of many requests at once one writes it down.
    session.lastUsedAt = now;
    if (slides) session.expiresAt = slidingExpiry(createdAt, now, this.config);
    const isNoted = await this.tryUpdate(
      `UPDATE sessions SET last_used_at = $2, expires_at = coalesce($3, expires_at)
       WHERE id = $1 AND revoked_at IS NULL`,
      [id, new Date(now), slides ? new Date(session.expiresAt) : null],
    );
    if (!isNoted) Object.assign(session, { lastUsedAt, expiresAt });
    return isNoted;
  }

  private async noteReceipt(session: LiveSession): Promise<void> {
    const { id, generation } = session;
    // Written down first: until then the generation before may still be a lost answer.
    const text = 'UPDATE sessions SET is_generation_used = true WHERE id = $1 AND generation = $2';
    if (await this.tryUpdate(text, [id, generation])) session.isGenerationUsed = true;
  }

  private async tryUpdate(text: string, values: unknown[]): Promise<boolean> {
    try {
      await this.sessions.query(text, values);
      return true;
    } catch (error) {
      if (isWriteRefused(error)) return false;
      throw error;
    }
  }
}

/** The client has received this generation: from now on the one before is a stolen token, not a lost answer. */
function provesReceipt(session: LiveSession, generation: number): boolean {
  return generation > 0 && generation === session.generation && !session.isGenerationUsed;
}

function isCookieOf(session: LiveSession, { secretHash }: CookieContent): boolean {
  return session.secretHash !== null && isEqual(Buffer.from(session.secretHash), Buffer.from(secretHash));
}

/**
 * The end of a session that is used now: its idle time from now, within the absolute cap from its beginning. All of them
 * milliseconds since the epoch.
 */
export function slidingExpiry(createdAt: number, now: number, { sessions }: Config): number {
  return Math.min(now + sessions.ttl, createdAt + sessions.maxTtl);
}
