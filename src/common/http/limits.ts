import type { FastifyHttpOptions } from 'fastify';
import type { Server } from 'node:http';

/**
 * How much of a request is read, and for how long it is waited for. Sizes in bytes, times in milliseconds.
 * docs/configuration.md lists them; a test holds the two equal.
 */
export interface HttpLimits {
  /** Beyond it 413. */
  body: number;
  /** Request line and header lines together; beyond it 431. */
  header: number;
  /** Number of header lines; beyond it 431. */
  headerLines: number;
  /** Characters of the request target; beyond it 414. */
  url: number;
  /** Characters of one parameter in a path; beyond it 414. */
  pathParameter: number;
  /** From the opening of a connection or the first byte of a request to its last header line; then 408. */
  headersTimeout: number;
  /** From its first byte to its last one, body included; then 408. */
  requestTimeout: number;
  /** How often the two above are looked at: a cut comes at most this much late. */
  checkInterval: number;
  /** During an answer, without a byte sent or received; then the connection is cut. */
  silence: number;
  /** Between two requests. Longer than the 60 s of nginx and AWS: the side that reuses the connection must give it up first. */
  keepAlive: number;
  /** Open connections of one process; a further one is closed at once. */
  connections: number;
}

export const HTTP_LIMITS: HttpLimits = {
  body: 100 * 1024,
  header: 16 * 1024,
  headerLines: 100,
  url: 2048,
  pathParameter: 512,
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  checkInterval: 500,
  silence: 60_000,
  keepAlive: 72_000,
  connections: 8192,
};

/** What Fastify and the HTTP server of Node are told of the limits. */
export function limitsOfServer(limits: HttpLimits) {
  return {
    bodyLimit: limits.body,
    requestTimeout: limits.requestTimeout,
    connectionTimeout: limits.silence,
    keepAliveTimeout: limits.keepAlive,
    routerOptions: { maxParamLength: limits.pathParameter },
    http: {
      maxHeaderSize: limits.header,
      headersTimeout: limits.headersTimeout,
      connectionsCheckingInterval: limits.checkInterval,
      // A flag of the process must not make the parser lenient: that is how requests are smuggled.
      insecureHTTPParser: false,
      // Node's own refusal is no problem document; `refuseUnfitRequests` judges the Host line.
      requireHostHeader: false,
    },
  } satisfies FastifyHttpOptions<Server>;
}
