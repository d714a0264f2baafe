import { ApiProperty } from '@nestjs/swagger';
import type { PublishedKey } from '../../tokens/signing-keys';

export class JwksResponse {
  @ApiProperty({
    type: 'array',
    items: {
      type: 'object',
      required: ['kty', 'kid', 'alg', 'use'],
      additionalProperties: { type: 'string' },
    },
    example: [{ kty: 'EC', crv: 'P-256', x: '…', y: '…', kid: 'o0nCfGzkVcJ2p1xq', alg: 'ES256', use: 'sig' }],
  })
  keys: PublishedKey[];
}
