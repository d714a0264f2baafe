import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { logSecurityEvent } from '../common/log/security-log';
import { AfterCommit } from '../database/after-commit';
import type { EventContent } from './audit-keys';

/** A line in the log for each event that is kept: when its transaction is committed, and never if it is rolled back. */
@Injectable()
export class AuditLogLines {
  constructor(private readonly afterCommit: AfterCommit) {}

  tell({ action, userId, sessionId, ip, requestId }: EventContent, tx: EntityManager): void {
    const details = {
      userId: userId ?? undefined,
      sessionId: sessionId ?? undefined,
      ip: ip ?? undefined,
      requestId: requestId ?? undefined,
    };
    this.afterCommit.do(tx, () => logSecurityEvent(action, details));
  }
}
