import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Repository, type FindOptionsWhere } from 'typeorm';
import { Clock } from '../common/clock';
import { isEqual, sha256 } from '../common/crypto/tokens';
import { isWriteRefused } from '../common/errors/read-only';
import { Config } from '../config/config';
import { SessionCache } from './session-cache';
import { Session } from './session.entity';
import { SessionTokens } from './session-tokens';

/** Use is written down at most this often. */
const USE_RESOLUTION_MS = 60_000;

export interface UsedSession {
  session: Session;
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
    private readonly cache: SessionCache,
    private readonly tokens: SessionTokens,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** @param generation the one that the access token was issued with */
  async byAccessToken(
    sessionId: string,
    userId: string,
    generation: number,
  ): Promise<UsedSession | undefined> {
    const session = await this.findLive(sessionId, (known) => known.generation >= generation);
    if (session?.userId !== userId || session.transport !== 'bearer') return undefined;
    // The client has received this generation: from now on the one before is a stolen token, not a lost answer.
    const provesReceipt = generation > 0 && generation === session.generation && !session.isGenerationUsed;
    return this.use(session, provesReceipt);
  }

  /** @param token the content of the cookie */
  async byCookie(token: string): Promise<UsedSession | undefined> {
    const content = this.tokens.decodeCookie(token);
    const session = content && (await this.findLive(content.sessionId, () => true));
    if (session?.transport !== 'cookie' || !isEqual(session.secretHash, sha256(content!.secret)))
      return undefined;
    return this.use(session, false);
  }

  /** What is known may be behind the row, never before it in being revoked: so only a live answer is taken from memory. */
  private async findLive(id: string, isRecent: (known: Session) => boolean): Promise<Session | undefined> {
    const known = this.cache.find(id);
    if (known && this.isLive(known) && isRecent(known)) {
      this.cache.hits += 1;
      return known;
    }
    this.cache.misses += 1;
    const readingSince = this.cache.beginReading();
    const session = await this.sessions.findOneBy({ id, revokedAt: IsNull() });
    if (!session || !this.isLive(session)) return undefined;
    this.cache.keep(session, readingSince);
    return session;
  }

  private isLive({ expiresAt }: Session): boolean {
    return expiresAt > this.clock.now();
  }

  /** Notes the use, once a minute, and slides the end of a cookie session; a bearer session slides when it refreshes. */
  private async use(session: Session, provesReceipt: boolean): Promise<UsedSession> {
    const now = this.clock.now();
    const isStale = now.getTime() - session.lastUsedAt.getTime() >= USE_RESOLUTION_MS;
    const isNoted = isStale && (await this.noteUse(session, now));
    if (provesReceipt) await this.noteReceipt(session);
    return { session, isExtended: isNoted && session.transport === 'cookie' };
  }

  /** Returns false where the database only reads at the moment: what asks for nothing more goes on all the same. */
  private async noteUse(session: Session, now: Date): Promise<boolean> {
    const { id, lastUsedAt, expiresAt } = session;
    const slides = session.transport === 'cookie';
    const use = {
      lastUsedAt: now,
      ...(slides ? { expiresAt: slidingExpiry(session, now, this.config) } : {}),
    };
    // In memory first: of many requests at once one writes it down.
    Object.assign(session, use);
    const isNoted = await this.tryUpdate({ id, revokedAt: IsNull() }, use);
    if (!isNoted) Object.assign(session, { lastUsedAt, expiresAt });
    return isNoted;
  }

  private async noteReceipt(session: Session): Promise<void> {
    const { id, generation } = session;
    // Written down first: until then the generation before may still be a lost answer.
    if (await this.tryUpdate({ id, generation }, { isGenerationUsed: true })) session.isGenerationUsed = true;
  }

  private async tryUpdate(where: FindOptionsWhere<Session>, change: Partial<Session>): Promise<boolean> {
    try {
      await this.sessions.update(where, change);
      return true;
    } catch (error) {
      if (isWriteRefused(error)) return false;
      throw error;
    }
  }
}

/** The end of a session that is used now: its idle time from now, within the absolute cap from its beginning. */
export function slidingExpiry({ createdAt }: Session, now: Date, { sessions }: Config): Date {
  return new Date(Math.min(now.getTime() + sessions.ttl, createdAt.getTime() + sessions.maxTtl));
}
