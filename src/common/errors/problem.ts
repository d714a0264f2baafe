import { ApiProperty } from '@nestjs/swagger';
import type { AppError } from './app-error';
import { catalogue, entryOf, type ErrorCode } from './catalogue';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

const codes = [
  ...new Set((Object.keys(catalogue) as (keyof typeof catalogue)[]).map((key) => entryOf(key).code)),
];

export class FieldProblem {
  @ApiProperty({ example: 'email', description: 'The field of the body, path or query' })
  field: string;

  @ApiProperty({ example: 'invalid_email', description: 'Stable code of the broken rule' })
  code: string;

  @ApiProperty({ example: 'must be an email address' })
  message: string;
}

/** Every error answer of the API (RFC 9457). */
export class Problem {
  @ApiProperty({
    example: 'about:blank',
    description: 'Always about:blank: `code` says more than a link would',
  })
  type: string;

  @ApiProperty({ example: 'The request is not valid' })
  title: string;

  @ApiProperty({ example: 400 })
  status: number;

  @ApiProperty({ example: 'The request is not valid', description: 'For a person; may change' })
  detail: string;

  @ApiProperty({ example: '/api/auth/register', description: 'The route that answered, as a pattern' })
  instance: string;

  @ApiProperty({
    enum: codes,
    enumName: 'ErrorCode',
    example: 'validation_failed',
    description: 'For a program; never changes',
  })
  code: ErrorCode;

  @ApiProperty({
    example: '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11',
    description: 'The X-Request-Id of this answer',
  })
  requestId: string;

  @ApiProperty({ type: [FieldProblem], required: false })
  errors?: FieldProblem[];
}

/**
 * @param instance the route's pattern rather than its address: an address may carry a one-time token
 */
export function problemOf(error: AppError, instance: string, requestId: string): Problem {
  const { code, status, title } = entryOf(error.key);
  return {
    type: 'about:blank',
    title,
    status,
    detail: error.detail ?? title,
    instance,
    code,
    requestId,
    ...(error.errors ? { errors: error.errors } : {}),
  };
}
