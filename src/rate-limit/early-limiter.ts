import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AppError } from '../common/errors/app-error';
import { RefusalPace } from '../common/load/refusal-pace';
import type { RateLimitService } from './rate-limit.service';

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a request that no hook has seen. */
    countRequest?: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  }
}

type Done = (refusal?: Error) => void;

/** Kubernetes asks these, often and from one address. */
const PROBES = new Set<string | undefined>(['/health/live', '/health/ready']);

/**
 * Counts every request before anything of it is read: malformed bodies, unknown paths and refused credentials too,
 * which no guard ever sees.
 */
export function limitRequests(fastify: FastifyInstance, limits: RateLimitService): void {
  if (!limits.isOn) return;
  const pace = new RefusalPace();
  const judge = (refusal: AppError | undefined, done: Done) =>
    refusal ? void pace.next().then(() => done(refusal)) : done();
  const count = (request: FastifyRequest, reply: FastifyReply, done: Done) => {
    const refusal = limits.takeRequest(request, reply);
    if (refusal instanceof Promise) refusal.then((known) => judge(known, done), done);
    else judge(refusal, done);
  };
  fastify.decorate(
    'countRequest',
    (request, reply) =>
      new Promise<void>((resolve, reject) =>
        count(request, reply, (error) => (error ? reject(error) : resolve())),
      ),
  );
  fastify.addHook('onRequest', (request, reply, done) => {
    if (PROBES.has(request.routeOptions.url)) done();
    else count(request, reply, done);
  });
}
