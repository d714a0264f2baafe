import { ApiProperty } from '@nestjs/swagger';

export class CsrfResponse {
  @ApiProperty({
    description: 'For the X-CSRF-Token header',
    example: 'pVQ1x8vH0aVwqz7r1Yb2c3d4e5f6g7h8i9j0kLmNoPq',
  })
  csrfToken: string;
}
