import fastifyCookie from '@fastify/cookie';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { acceptOnlyJson, BODY_LIMIT } from './common/http/json-body';
import { collectMethods } from './common/http/method-not-allowed';
import { requestIdOf, sendRequestId } from './common/http/request-id';
import { logRequests } from './common/http/request-log';
import { sendSecurityHeaders } from './common/http/security-headers';
import { answerUnroutable, ProblemFilter } from './common/errors/problem.filter';
import { createValidationPipe } from './common/validation/validation.pipe';
import { Config } from './config/config';
import { serveOpenApi } from './docs/openapi';
import { servePages } from './pages/pages';

/** Options of `NestFactory.create`; the body parser is ours. */
export const APP_OPTIONS = { bodyParser: false, bufferLogs: true, abortOnError: false } as const;

export function createAdapter(config: Config): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    trustProxy: trustedProxies(config.http.trustProxy),
    genReqId: requestIdOf,
    frameworkErrors: answerUnroutable,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512 },
    skipMiddie: true,
  });
}

/** Everything around the controllers, shared by the server and every test. Initialises the application. */
export async function configureApp(app: NestFastifyApplication): Promise<void> {
  const config = app.get(Config);
  const fastify = app.getHttpAdapter().getInstance();
  const answerOtherMethods = collectMethods(fastify);
  sendRequestId(fastify);
  logRequests(fastify);
  await sendSecurityHeaders(fastify, { isHttps: config.http.publicUrl.startsWith('https:') });
  await fastify.register(fastifyCookie);
  acceptOnlyJson(fastify);
  if (config.http.corsOrigins.length > 0)
    app.enableCors({ origin: config.http.corsOrigins, credentials: true, maxAge: 600 });
  app.useGlobalPipes(createValidationPipe());
  app.useGlobalFilters(new ProblemFilter());
  serveOpenApi(app);
  await servePages(fastify);
  await app.init();
  answerOtherMethods();
}

/** Which peers' forwarding headers count. Fastify refuses a plain hop count, since it trusts a direct client as well. */
function trustedProxies(trusted: Config['http']['trustProxy']) {
  return typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;
}
