import type { Server } from 'node:http';
import fastifyCookie from '@fastify/cookie';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { Registry } from 'prom-client';
import { allowOrigins, crossOriginHeaders } from './common/http/cross-origin';
import { acceptOnlyJson } from './common/http/json-body';
import { HTTP_LIMITS, limitsOfServer, type HttpLimits } from './common/http/limits';
import { collectMethods } from './common/http/method-not-allowed';
import { requestIdOf, sendRequestId } from './common/http/request-id';
import { watchForwarding } from './common/http/untrusted-forwarding';
import { logRequests } from './common/http/request-log';
import { safeHeaders, sendSafeHeaders } from './common/http/security-headers';
import { refuseUnfitRequests } from './common/http/unfit-requests';
import { answerForNode, refuseUnreadable } from './common/http/unreadable-requests';
import { answerUnroutable, ProblemFilter } from './common/errors/problem.filter';
import { LoadShedding } from './common/load/load-shedding';
import { closeWhileDraining, Lifecycle } from './common/lifecycle';
import { createValidationPipe } from './common/validation/validation.pipe';
import { Config } from './config/config';
import { serveOpenApi } from './docs/openapi';
import { measureRequests } from './metrics/request-metrics';
import { servePages } from './pages/pages';
import { limitRequests } from './rate-limit/early-limiter';
import { RateLimitService } from './rate-limit/rate-limit.service';
import { nameTraces } from './tracing/tracing';

/** Options of `NestFactory.create`; the body parser is ours. */
export const APP_OPTIONS = { bodyParser: false, bufferLogs: true, abortOnError: false } as const;

/**
 * Requests are validated by classes, and answers are written down by JSON.stringify. Without this Fastify would load
 * compilers for JSON Schema, a tenth of all code that a start loads. A route that brings one all the same is named by
 * Fastify, and the server does not start.
 */
const NO_SCHEMAS = { buildValidator: () => refuseSchema, buildSerializer: () => refuseSchema };

/** The HTTP server and all that is answered before a hook runs. Tests pass shorter limits. */
export function createAdapter({ http }: Config, limits: HttpLimits = HTTP_LIMITS): FastifyAdapter {
  const headers = safeHeaders(http);
  const headersFor = crossOriginHeaders(http.corsOrigins);
  const adapter = new FastifyAdapter({
    ...limitsOfServer(limits),
    trustProxy: trustedProxies(http.trustProxy),
    genReqId: requestIdOf,
    // The router would take `OPTIONS *`, which is no path, for the start page.
    rewriteUrl: ({ url }: { url?: string }) => (url === '*' ? '/*' : url!),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      answerUnroutable(error, request, reply.headers({ ...headers, ...headersFor(request.headers.origin) })),
    clientErrorHandler: refuseUnreadable(headers),
    forceCloseConnections: 'idle',
    // While the server closes, what still arrives is answered and its connection closed.
    return503OnClosing: false,
    skipMiddie: true,
    schemaController: { compilersFactory: NO_SCHEMAS },
  });
  const server = adapter.getHttpServer() as Server;
  server.maxConnections = limits.connections;
  answerForNode(server, headers);
  return adapter;
}

/** Everything around the controllers, shared by the server and every test. Initialises the application. */
export async function configureApp(app: NestFastifyApplication): Promise<void> {
  const config = app.get(Config);
  const fastify = app.getHttpAdapter().getInstance();
  measureRequests(fastify, app.get(Registry));
  nameTraces(fastify);
  const answerOtherMethods = collectMethods(fastify);
  sendRequestId(fastify);
  closeWhileDraining(fastify, app.get(Lifecycle));
  logRequests(fastify, PinoLogger.root);
  sendSafeHeaders(fastify, safeHeaders(config.http));
  allowOrigins(fastify, config.http.corsOrigins);
  watchForwarding(fastify, config, app.get(Registry));
  limitRequests(fastify, app.get(RateLimitService));
  refuseUnfitRequests(fastify);
  await fastify.register(fastifyCookie);
  acceptOnlyJson(fastify);
  app.get(LoadShedding).protect(fastify);
  app.useGlobalPipes(createValidationPipe());
  app.useGlobalFilters(new ProblemFilter());
  await servePages(fastify, config);
  // Routes that are there when a plugin is awaited get Fastify's own error handler for good: so none before this.
  serveOpenApi(app);
  await app.init();
  answerOtherMethods();
}

/** Which peers' forwarding headers count. Fastify refuses a plain hop count, since it trusts a direct client as well. */
function trustedProxies(trusted: Config['http']['trustProxy']) {
  return typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;
}

function refuseSchema(): never {
  throw new Error('classes validate here, and nothing compiles a JSON Schema');
}
