import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, MoreThan, Repository } from 'typeorm';
import { Clock } from '../common/clock';
import { newId } from '../common/crypto/tokens';
import type { ClientInfo } from '../common/http/client-info';
import type { AuditAction } from './actions';
import { AuditEvent } from './audit-event.entity';

interface AuditSubject {
  userId: string | null;
  sessionId?: string;
  /** Absent where a job acts, not a person. */
  client?: ClientInfo;
}

const PAGE = 500;
const NIL = '00000000-0000-0000-0000-000000000000';

@Injectable()
export class AuditService {
  constructor(
    @InjectRepository(AuditEvent) private readonly events: Repository<AuditEvent>,
    private readonly clock: Clock,
  ) {}

  /** Records a fact in the transaction of the change it tells of: both are kept or neither. */
  async record(
    action: AuditAction,
    { userId, sessionId, client }: AuditSubject,
    tx: EntityManager,
  ): Promise<void> {
    await tx.insert(AuditEvent, {
      id: newId(),
      action,
      userId,
      sessionId: sessionId ?? null,
      ip: client?.ip ?? null,
      userAgent: client?.userAgent ?? null,
      requestId: client?.requestId ?? null,
      createdAt: this.clock.now(),
    });
  }

  /** Forgets addresses and devices of a user who is deleted; what happened, and when, stays under the id. */
  async anonymise(userId: string, tx: EntityManager): Promise<void> {
    await tx.update(AuditEvent, { userId }, { ip: null, userAgent: null });
  }

  /** The events of a user, oldest first, a page at a time. */
  async *pagesOf(userId: string): AsyncGenerator<AuditEvent[]> {
    let last = NIL;
    for (;;) {
      const page = await this.events.find({
        where: { userId, id: MoreThan(last) },
        order: { id: 'ASC' },
        take: PAGE,
      });
      if (page.length === 0) return;
      yield page;
      last = page.at(-1)!.id;
    }
  }
}
