import { Injectable } from '@nestjs/common';
import type { AuditEvent } from '../../audit/audit-event.entity';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import { decodeCursor, encodeCursor } from '../../common/paging/cursor';

export interface ActivityPage {
  events: AuditEvent[];
  /** Null where there are no older events. */
  nextCursor: string | null;
}

@Injectable()
export class ActivityService {
  constructor(private readonly audit: AuditService) {}

  /**
   * A page of the user's own security events, the newest first. Events that happen meanwhile move no page.
   *
   * @param cursor `nextCursor` of the page before
   * @throws AppError `validation_failed` for a cursor that is none
   */
  async list({ userId }: Principal, limit: number, cursor: string | undefined): Promise<ActivityPage> {
    const before = cursor === undefined ? undefined : decodeCursor(cursor);
    if (before === null) throw AppError.invalid('cursor', 'invalid', 'must be the nextCursor of a page');
    // One more than asked for tells whether there is a page after this one.
    const found = await this.audit.latestOf(userId, limit + 1, before);
    const events = found.slice(0, limit);
    return { events, nextCursor: found.length > limit ? encodeCursor(events.at(-1)!) : null };
  }
}
