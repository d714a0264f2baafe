import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
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

@Injectable()
export class AuditService {
  constructor(private readonly clock: Clock) {}

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
}
