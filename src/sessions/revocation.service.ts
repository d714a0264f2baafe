import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { Clock } from '../common/clock';
import type { ClientInfo } from '../common/http/client-info';
import { SessionCache } from './session-cache';
import { SessionMetrics } from './session-metrics';

/** The one door through which sessions end, so that none ends without being announced and recorded. */
@Injectable()
export class RevocationService {
  constructor(
    private readonly cache: SessionCache,
    private readonly metrics: SessionMetrics,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** Ends one session of a user. Returns false where there is none, be it another's, unknown or over already. */
  async revokeOne(
    userId: string,
    sessionId: string,
    client: ClientInfo | undefined,
    tx: EntityManager,
  ): Promise<boolean> {
    const ended = await this.revoke('user_id = $2 AND id = $3', [userId, sessionId], client, tx);
    return ended === 1;
  }

  /** Ends all sessions of a user. Returns how many there were. */
  revokeAll(userId: string, client: ClientInfo | undefined, tx: EntityManager): Promise<number> {
    return this.revoke('user_id = $2', [userId], client, tx);
  }

  revokeAllExcept(userId: string, sessionId: string, client: ClientInfo, tx: EntityManager): Promise<number> {
    return this.revoke('user_id = $2 AND id <> $3', [userId, sessionId], client, tx);
  }

  /**
   * Ends sessions of anybody, at most so many: whoever means all of them goes in steps, or the locks and announcements
   * would be too many for one transaction. Returns how many there were.
   */
  revokeSome(limit: number, tx: EntityManager): Promise<number> {
    const some = 'id IN (SELECT id FROM sessions WHERE revoked_at IS NULL AND expires_at > $1 LIMIT $2)';
    return this.revoke(some, [limit], undefined, tx);
  }

  private async revoke(
    condition: string,
    values: unknown[],
    client: ClientInfo | undefined,
    tx: EntityManager,
  ): Promise<number> {
    const now = this.clock.now();
    const [ended] = await tx.query<[{ id: string; user_id: string }[], number]>(
      `UPDATE sessions SET revoked_at = $1 WHERE ${condition} AND revoked_at IS NULL AND expires_at > $1
       RETURNING id, user_id`,
      [now, ...values],
    );
    if (ended.length === 0) return 0;
    this.metrics.revoked(ended.length, tx);
    await this.cache.announce(
      ended.map(({ id }) => id),
      tx,
    );
    for (const { id, user_id: userId } of ended)
      await this.audit.record('session.revoked', { userId, sessionId: id, client }, tx);
    return ended.length;
  }
}
