import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/**
 * One strict policy for the API, the pages and Swagger UI: nothing inline, nothing foreign. HSTS only where the public
 * address is https; sent over http it is ignored, and on localhost it would lock developers out.
 */
export async function sendSecurityHeaders(
  fastify: FastifyInstance,
  { isHttps }: { isHttps: boolean },
): Promise<void> {
  await fastify.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        frameSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: isHttps && { maxAge: 31_536_000, includeSubDomains: true },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginEmbedderPolicy: false,
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith('/api/')) reply.header('Cache-Control', 'no-store');
    done();
  });
}
