import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Principal } from '../access/principal';

/** Asked every few seconds by every orchestrator; that all is well need not be said each time. */
const PROBES = new Set<string | undefined>(['/health/live', '/health/ready']);

/** Whoever makes methods and statuses up makes no more than so many loggers. */
const MOST_LOGGERS = 1_000;

/** One line a request, by the route's pattern: an address may carry a token. */
export function logRequests(fastify: FastifyInstance, logger: Logger): void {
  const loggers = new LoggersOfAnswers(logger);
  fastify.addHook('onResponse', (request, reply, done) => {
    if (PROBES.has(request.routeOptions.url) && reply.statusCode < 400) return done();
    const principal = (request as FastifyRequest & { user?: Partial<Principal> }).user;
    loggers.of(request.method, request.routeOptions.url, reply.statusCode).info({
      requestId: request.id,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      userId: principal?.userId,
      sessionId: principal?.sessionId,
    });
    done();
  });
}

/**
 * A logger for each answer that a route can give. What a line says of these is written once, and Nest's logger is not
 * asked: a line is the dearest thing that a hot request leaves behind.
 */
class LoggersOfAnswers {
  private readonly loggers = new Map<string, Logger>();

  constructor(private readonly logger: Logger) {}

  of(method: string, route: string | undefined, status: number): Logger {
    const msg = `${method} ${route ?? '(unknown path)'} ${status}`;
    const known = this.loggers.get(msg);
    if (known) return known;
    const logger = this.logger.child({
      context: 'Http',
      event: 'request.completed',
      method,
      route: route ?? null,
      status,
      msg,
    });
    if (this.loggers.size < MOST_LOGGERS) this.loggers.set(msg, logger);
    return logger;
  }
}
