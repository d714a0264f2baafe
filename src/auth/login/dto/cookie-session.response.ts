import { ApiProperty } from '@nestjs/swagger';
import { UserResponse } from '../../../users/dto/user.response';
import { viewOf } from '../../../users/user.entity';
import type { CookieLogin } from '../login.service';

/** A cookie session. Its secret is in the cookie only. */
export class CookieSessionResponse {
  @ApiProperty({ type: UserResponse })
  user: UserResponse;

  @ApiProperty({
    description: 'For the X-CSRF-Token header',
    example: 'pVQ1x8vH0aVwqz7r1Yb2c3d4e5f6g7h8i9j0kLmNoPq',
  })
  csrfToken: string;

  @ApiProperty({ format: 'date-time', description: 'Moves with use', example: '2026-11-28T09:00:00.000Z' })
  expiresAt: string;

  static from({ user, csrfToken, expiresAt }: CookieLogin): CookieSessionResponse {
    return { user: viewOf(user), csrfToken, expiresAt: expiresAt.toISOString() };
  }
}
