import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RefusalPace } from '../common/load/refusal-pace';
import type { RateLimitService } from './rate-limit.service';

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a request that no hook has seen. */
    countRequest?: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  }
}

/** Kubernetes asks these, often and from one address. */
const PROBES = new Set<string | undefined>(['/health/live', '/health/ready']);

/**
 * Counts every request before anything of it is read: malformed bodies, unknown paths and refused credentials too,
 * which no guard ever sees.
 */
export function limitRequests(fastify: FastifyInstance, limits: RateLimitService): void {
  if (!limits.isOn) return;
  const pace = new RefusalPace();
  const count = async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      await limits.takeRequest(request, reply);
    } catch (refusal) {
      await pace.next();
      throw refusal;
    }
  };
  fastify.decorate('countRequest', count);
  fastify.addHook('onRequest', (request, reply) =>
    PROBES.has(request.routeOptions.url) ? Promise.resolve() : count(request, reply),
  );
}
