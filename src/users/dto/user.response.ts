import { ApiProperty } from '@nestjs/swagger';
import type { UserView } from '../user.entity';

/** What an account looks like to its owner. */
export class UserResponse implements UserView {
  @ApiProperty({ format: 'uuid', example: '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11' })
  id: string;

  @ApiProperty({ format: 'email', example: 'ada@example.org' })
  email: string;

  @ApiProperty({ type: String, nullable: true, example: 'Ada Lovelace' })
  name: string | null;

  @ApiProperty({ example: true })
  emailVerified: boolean;

  @ApiProperty({ example: true })
  isActive: boolean;

  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  updatedAt: string;
}
