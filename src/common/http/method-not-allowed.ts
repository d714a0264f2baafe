import { METHODS } from 'node:http';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { AppError } from '../errors/app-error';

/** All that the parser lets through, TRACE included; CONNECT is no request for a path. */
const REQUEST_METHODS = METHODS.filter((method) => method !== 'CONNECT') as HTTPMethods[];

/**
 * Answers 405 with `Allow` where a path exists but not with this method (RFC 9110 §15.5.6). Fastify alone says 404.
 * Collects routes as they are registered; call the returned function once, after the last of them.
 */
export function collectMethods(fastify: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    methodsOf.set(url, methods);
  });
  return () => {
    for (const method of REQUEST_METHODS)
      if (!fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method);
    // A snapshot: the routes added here are collected as well.
    for (const [url, methods] of Array.from(methodsOf)) {
      const allow = [...methods].sort().join(', ');
      const missing = REQUEST_METHODS.filter((method) => !methods.has(method));
      if (url.includes('*') || missing.length === 0) continue;
      fastify.route({
        method: missing,
        url,
        // Before the body is read: what it contains is of no interest.
        onRequest: (_request, reply) => {
          reply.header('Allow', allow);
          throw new AppError('method_not_allowed');
        },
        handler: () => undefined,
      });
    }
  };
}
