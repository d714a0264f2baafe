import { ApiProperty } from '@nestjs/swagger';
import type { AuditEvent } from '../../../audit/audit-event.entity';
import { deviceName } from '../../devices/device-name';

/** One security event of the user. */
export class ActivityResponse {
  @ApiProperty({ format: 'uuid', example: '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11' })
  id: string;

  @ApiProperty({
    description: 'What happened, as `subject.happened`; there may be new ones at any time',
    example: 'login.succeeded',
  })
  action: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  createdAt: string;

  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'What people recognise a device by; null where nobody asked for it, as when an account expires',
    example: 'Firefox on Windows',
  })
  device: string | null;

  @ApiProperty({ type: String, nullable: true, example: '203.0.113.7' })
  ip: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  })
  userAgent: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    format: 'uuid',
    description: 'The session that it happened in or to',
    example: '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11',
  })
  sessionId: string | null;

  @ApiProperty({ description: 'Whether that is the session of this very request', example: true })
  current: boolean;

  static from(event: AuditEvent, currentId: string): ActivityResponse {
    const { id, action, createdAt, ip, userAgent, sessionId } = event;
    return {
      id,
      action,
      createdAt: createdAt.toISOString(),
      device: ip === null && userAgent === null ? null : deviceName(userAgent),
      ip,
      userAgent,
      sessionId,
      current: sessionId === currentId,
    };
  }
}

export class ActivityPageResponse {
  @ApiProperty({ type: [ActivityResponse] })
  items: ActivityResponse[];

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'For the query `cursor` of the next page; null on the last',
    example: 'AZpcHnwbemOxpG1vCi-cEQGaXB58Gw',
  })
  nextCursor: string | null;

  static from(events: AuditEvent[], nextCursor: string | null, currentId: string): ActivityPageResponse {
    return { items: events.map((event) => ActivityResponse.from(event, currentId)), nextCursor };
  }
}
