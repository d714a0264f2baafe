import { ApiProperty, ApiPropertyOptional, type SchemaObject } from '@nestjs/swagger';

const check: SchemaObject = {
  type: 'object',
  required: ['status'],
  properties: { status: { type: 'string', enum: ['up', 'down', 'degraded'] } },
  additionalProperties: true,
};

/** The document of @nestjs/terminus. */
export class HealthResponse {
  @ApiProperty({ enum: ['ok', 'degraded', 'error', 'shutting_down'], example: 'ok' })
  status: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: check,
    description: 'What is up',
    example: { database: { status: 'up' } },
  })
  info?: object;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: check,
    description: 'What is down',
    example: {},
  })
  error?: object;

  @ApiProperty({
    type: 'object',
    additionalProperties: check,
    description: 'Everything',
    example: { database: { status: 'up' } },
  })
  details: object;
}

export class StatusResponse {
  @ApiProperty({ example: 'gatehouse' })
  name: string;

  @ApiProperty({ example: '0.1.0' })
  version: string;

  @ApiProperty({ description: 'Seconds since the process started', example: 86400 })
  uptime: number;

  @ApiProperty({ description: 'Version of Node.js', example: 'v24.21.0' })
  node: string;
}
