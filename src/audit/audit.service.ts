import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, Repository, type SelectQueryBuilder } from 'typeorm';
import { Clock } from '../common/clock';
import { newId } from '../common/crypto/tokens';
import type { ClientInfo } from '../common/http/client-info';
import { insertRow } from '../database/rows';
import type { AuditAction } from './actions';
import { AuditEvent } from './audit-event.entity';
import { AuditKeys, type EventContent } from './audit-keys';
import { AuditLogLines } from './audit-log-lines';
import { AuditSealer } from './audit-sealer';
import { AuditVerification, type AuditReport, type VerifyOptions } from './audit-verification';

interface AuditSubject {
  userId: string | null;
  sessionId?: string;
  /** Absent where a job acts, not a person. */
  client?: ClientInfo;
}

/** A place in the order of events: by time, and by id where they happened in the same millisecond. */
export type EventPosition = Pick<AuditEvent, 'createdAt' | 'id'>;

/** Either end may be open. */
export interface TimeRange {
  /** Included. */
  from?: Date;
  /** Excluded. */
  to?: Date;
}

const PAGE = 500;

@Injectable()
export class AuditService {
  constructor(
    @InjectRepository(AuditEvent) private readonly events: Repository<AuditEvent>,
    private readonly keys: AuditKeys,
    private readonly sealer: AuditSealer,
    private readonly verification: AuditVerification,
    private readonly logLines: AuditLogLines,
    private readonly clock: Clock,
  ) {}

  /** Records a fact in the transaction of the change it tells of: both are kept or neither. */
  async record(
    action: AuditAction,
    { userId, sessionId, client }: AuditSubject,
    tx: EntityManager,
  ): Promise<void> {
    const event: EventContent = {
      id: newId(),
      action,
      userId,
      sessionId: sessionId ?? null,
      ip: client?.ip ?? null,
      userAgent: client?.userAgent ?? null,
      requestId: client?.requestId ?? null,
      createdAt: this.clock.now(),
    };
    await insertRow(AuditEvent, { ...event, ...this.keys.sign(event) }, tx);
    this.logLines.tell(event, tx);
  }

  /** Forgets addresses and devices of a user who is deleted; what happened, and when, stays under the id. */
  async anonymise(userId: string, tx: EntityManager): Promise<void> {
    await tx.update(AuditEvent, { userId }, { ip: null, userAgent: null, clientMac: null });
  }

  /** Reads what `anonymise` will write, without a lock: it then holds its locks for no longer than that takes. */
  async readAhead(userId: string): Promise<void> {
    await this.events.query('SELECT count(event) FROM audit_events AS event WHERE user_id = $1', [userId]);
  }

  /** The latest events of a user, the newest first. @param before those older than this place only */
  latestOf(userId: string, limit: number, before?: EventPosition): Promise<AuditEvent[]> {
    const query = this.ofUser(userId).orderBy('event.createdAt', 'DESC').addOrderBy('event.id', 'DESC');
    // The first condition says no more than the second, but PostgreSQL leaves out later months for it.
    if (before)
      query
        .andWhere('event.createdAt <= :createdAt')
        .andWhere('(event.createdAt, event.id) < (:createdAt, :id)', before);
    return query.limit(limit).getMany();
  }

  /** The events of a user, oldest first, a page at a time. */
  pagesOf(userId: string): AsyncGenerator<AuditEvent[]> {
    return pages(() => this.ofUser(userId));
  }

  /** All events of a time, oldest first, a page at a time. */
  exportPages({ from, to }: TimeRange): AsyncGenerator<AuditEvent[]> {
    return pages(() => {
      const query = this.events.createQueryBuilder('event').where('true');
      if (from) query.andWhere('event.createdAt >= :from', { from });
      if (to) query.andWhere('event.createdAt < :to', { to });
      return query;
    });
  }

  /**
   * Reads the whole trail in constant memory and reports what is not as the service wrote it; docs/audit.md says what
   * can be found and what cannot.
   */
  async verify(options: VerifyOptions): Promise<AuditReport> {
    // What the last process left when it was killed waits for the next one to link it: that is no problem.
    await this.sealer.seal();
    return this.verification.run(options);
  }

  private ofUser(userId: string): SelectQueryBuilder<AuditEvent> {
    return this.events.createQueryBuilder('event').where('event.userId = :userId', { userId });
  }
}

async function* pages(query: () => SelectQueryBuilder<AuditEvent>): AsyncGenerator<AuditEvent[]> {
  let after: EventPosition | undefined;
  for (;;) {
    const next = query().orderBy('event.createdAt', 'ASC').addOrderBy('event.id', 'ASC').limit(PAGE);
    if (after)
      next
        .andWhere('event.createdAt >= :createdAt')
        .andWhere('(event.createdAt, event.id) > (:createdAt, :id)', after);
    const page = await next.getMany();
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!;
  }
}
