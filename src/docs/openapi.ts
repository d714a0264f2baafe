import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { problemResponses, type ProblemResponse } from '../common/errors/api-problems.decorator';
import type { ErrorKey } from '../common/errors/catalogue';
import { PROJECT } from '../common/project';

const DESCRIPTION = `${PROJECT.description}.

Log in with \`POST /api/auth/login\`, press **Authorize** and paste the \`access_token\`.
Errors are problem documents (RFC 9457) with a stable \`code\`.`;

/** The OpenAPI document of the running code. docs/openapi.json is a copy of it, held equal by a test. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const options = new DocumentBuilder()
    .setTitle('Gatehouse')
    .setDescription(DESCRIPTION)
    .setVersion(PROJECT.version)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .addCookieAuth('session', {
      type: 'apiKey',
      in: 'cookie',
      description: '`__Host-session` on https. Unsafe methods need the header `X-CSRF-Token` too.',
    })
    .addTag('Registration')
    .addTag('Sessions')
    .addTag('Profile')
    .addTag('Account')
    .addTag('Tasks')
    .addTag('Recovery')
    .addTag('Operations')
    .build();
  const document = SwaggerModule.createDocument(app, options, {
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '')}_${method}`,
  });
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(operations as Record<string, Operation>))
      addProblems(operation, commonProblems(path, method, operation));
  return document;
}

/** What any route of its kind can answer before its controller is asked. Controllers document the rest. */
function commonProblems(path: string, method: string, { security }: Operation): ErrorKey[] {
  const keys: ErrorKey[] = path.startsWith('/health/') ? [] : ['too_many_requests'];
  // A body is read wherever one may come, wanted or not.
  if (method !== 'get')
    keys.push('malformed_json', 'malformed_request', 'payload_too_large', 'unsupported_media_type');
  if (path.includes('{')) keys.push('malformed_request', 'uri_too_long');
  if (security) keys.push('unauthenticated', 'token_invalid', 'token_expired', 'session_revoked');
  if (method !== 'get') keys.push('csrf_failed');
  return keys;
}

interface Operation {
  security?: object[];
  responses: Record<string, ProblemResponse>;
}

function addProblems({ responses }: Operation, keys: ErrorKey[]): void {
  for (const [status, added] of Object.entries(problemResponses(keys))) {
    const present = responses[status];
    if (present) {
      present.description += ` · ${added.description}`;
      Object.assign(
        present.content['application/problem+json'].examples,
        added.content['application/problem+json'].examples,
      );
    } else responses[status] = added;
  }
}

/** The document at /openapi.json and /openapi.yaml, for the page at /docs and for programs. */
export function serveOpenApi(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    // The page of our own, in `src/pages`, works under the strict Content-Security-Policy.
    ui: false,
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
}
