import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { logSecurityEvent } from '../common/log/security-log';
import { AfterCommit } from '../jobs/after-commit';
import type { EventContent } from './audit-keys';

/** A line in the log for each event that is kept: when its transaction is committed, and never if it is rolled back. */
@Injectable()
export class AuditLogLines {
  private readonly afterCommit = new AfterCommit();

  constructor(dataSource: DataSource) {
    dataSource.subscribers.push(this.afterCommit);
  }

  tell({ id, action, userId, sessionId, ip, requestId }: EventContent, tx: EntityManager): void {
    const details = {
      userId: userId ?? undefined,
      sessionId: sessionId ?? undefined,
      ip: ip ?? undefined,
      requestId: requestId ?? undefined,
    };
    this.afterCommit.once(tx.queryRunner!, id, () => logSecurityEvent(action, details));
  }
}
