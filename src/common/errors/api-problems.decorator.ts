import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { entryOf, type ErrorKey } from './catalogue';
import { Problem } from './problem';

/** Documents the problems a route can answer with. What every body or path can cause is added by `openApiDocument`. */
export function ApiProblems(...keys: ErrorKey[]): MethodDecorator & ClassDecorator {
  const responses = Object.entries(problemResponses([...keys, 'unavailable']));
  return applyDecorators(
    ApiExtraModels(Problem),
    ...responses.map(([status, response]) => ApiResponse({ status: Number(status), ...response })),
  );
}

/** One response a status, with an example for each code. */
export function problemResponses(keys: ErrorKey[]): Record<string, ProblemResponse> {
  const byStatus = Map.groupBy(new Set(keys), (key) => entryOf(key).status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((key) => `\`${entryOf(key).code}\` ${entryOf(key).title}`).join(' · '),
        content: {
          'application/problem+json': {
            schema: { $ref: getSchemaPath(Problem) },
            examples: Object.fromEntries(group.map((key) => [entryOf(key).code, { value: exampleOf(key) }])),
          },
        },
      },
    ]),
  );
}

export interface ProblemResponse {
  description: string;
  content: {
    'application/problem+json': { schema: { $ref: string }; examples: Record<string, { value: object }> };
  };
}

function exampleOf(key: ErrorKey): object {
  const { code, status, title } = entryOf(key);
  return {
    type: 'about:blank',
    title,
    status,
    detail: title,
    instance: '/api/…',
    code,
    requestId: '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11',
    ...(key === 'validation_failed'
      ? { errors: [{ field: 'email', code: 'invalid_email', message: 'must be an email address' }] }
      : {}),
  };
}
