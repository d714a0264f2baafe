import type { FastifyInstance } from 'fastify';

const ANSWER = {
  'Access-Control-Allow-Credentials': 'true',
  'Access-Control-Expose-Headers': 'Retry-After, RateLimit, RateLimit-Policy, X-Request-Id',
};

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-CSRF-Token, X-Request-Id',
  'Access-Control-Max-Age': '600',
  'Content-Length': '0',
};

/**
 * What a browser is told about a page of another origin (CORS, Fetch §3.3): for an origin of the list that it may read
 * the answer and send credentials, for any other one nothing. Nothing of the request is reflected but a listed origin.
 */
export function crossOriginHeaders(origins: string[]): (origin?: string) => Record<string, string> {
  const listed = new Map(
    origins.map((origin) => [origin, { ...ANSWER, 'Access-Control-Allow-Origin': origin }]),
  );
  return (origin) => (origin === undefined ? {} : (listed.get(origin) ?? {}));
}

/** Lets pages of the listed origins call. Comes after the headers of every answer: it answers preflights itself. */
export function allowOrigins(fastify: FastifyInstance, origins: string[]): void {
  if (origins.length === 0) return;
  const headersFor = crossOriginHeaders(origins);
  fastify.addHook('onRequest', (request, reply, done) => {
    const headers = headersFor(request.headers.origin);
    reply.headers(headers);
    const isPreflight =
      request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    if (isPreflight && 'Access-Control-Allow-Origin' in headers)
      void reply.code(204).headers(PREFLIGHT).send();
    else done();
  });
}
