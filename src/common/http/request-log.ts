import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Principal } from '../access/principal';

/** Asked every few seconds by every orchestrator; that all is well need not be said each time. */
const PROBES = new Set<string | undefined>(['/health/live', '/health/ready']);

/** One line a request, by the route's pattern: an address may carry a token. */
export function logRequests(fastify: FastifyInstance): void {
  const logger = new Logger('Http');
  fastify.addHook('onResponse', (request, reply, done) => {
    if (PROBES.has(request.routeOptions.url) && reply.statusCode < 400) return done();
    const principal = (request as FastifyRequest & { user?: Partial<Principal> }).user;
    logger.log({
      event: 'request.completed',
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      userId: principal?.userId,
      sessionId: principal?.sessionId,
      msg: `${request.method} ${request.routeOptions.url ?? '(unknown path)'} ${reply.statusCode}`,
    });
    done();
  });
}
