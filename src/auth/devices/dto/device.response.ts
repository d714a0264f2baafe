import { ApiProperty } from '@nestjs/swagger';
import type { Session } from '../../../sessions/session.entity';
import { deviceName } from '../device-name';

/** One of the user's sessions. */
export class DeviceResponse {
  @ApiProperty({ format: 'uuid', example: '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11' })
  id: string;

  @ApiProperty({ description: 'Whether this very request was made in it', example: true })
  current: boolean;

  @ApiProperty({ enum: ['bearer', 'cookie'], example: 'cookie' })
  transport: 'bearer' | 'cookie';

  @ApiProperty({ description: 'What people recognise it by', example: 'Firefox on Windows' })
  device: string;

  @ApiProperty({ example: '203.0.113.7' })
  ip: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  })
  userAgent: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  createdAt: string;

  @ApiProperty({ format: 'date-time', description: 'To the minute', example: '2026-11-21T09:14:00.000Z' })
  lastUsedAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-28T09:14:00.000Z' })
  expiresAt: string;

  static from(session: Session, currentId: string): DeviceResponse {
    return {
      id: session.id,
      current: session.id === currentId,
      transport: session.transport,
      device: deviceName(session.userAgent),
      ip: session.ip,
      userAgent: session.userAgent,
      createdAt: session.createdAt.toISOString(),
      lastUsedAt: session.lastUsedAt.toISOString(),
      expiresAt: session.expiresAt.toISOString(),
    };
  }
}

export class RevokedResponse {
  @ApiProperty({ description: 'How many sessions were ended', example: 3 })
  revoked: number;
}
