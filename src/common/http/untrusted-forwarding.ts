import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import type { Config } from '../../config/config';

/** Milliseconds between two warnings. */
const QUIET_MS = 3_600_000;

/**
 * Notices forwarding headers of a peer that TRUST_PROXY does not name. Either somebody tries to choose their address, or
 * the service stands behind a proxy unknowingly and takes all clients for one. The headers do not count in either case.
 */
export function watchForwarding(fastify: FastifyInstance, config: Config, registry: Registry): void {
  const logger = new Logger('TrustProxy');
  const ignored = new Counter({
    name: 'gatehouse_untrusted_forwarded_total',
    help: 'Requests with forwarding headers from a peer that TRUST_PROXY does not name',
    registers: [registry],
  });
  if (config.isProduction && config.http.trustProxy === false)
    logger.warn({
      event: 'proxy.untrusted',
      msg: 'PUBLIC_URL is https but TRUST_PROXY is off: behind a proxy all clients count as one address',
    });
  let quietUntil = 0;
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (isForwardedByStranger(request)) {
      ignored.inc();
      if (performance.now() >= quietUntil) {
        quietUntil = performance.now() + QUIET_MS;
        logger.warn({
          event: 'proxy.untrusted',
          peer: request.socket.remoteAddress,
          requestId: request.id,
          msg: 'forwarding headers are ignored: TRUST_PROXY does not name the peer that sent them',
        });
      }
    }
    done();
  });
}

/** Of a trusted peer Fastify lists who it spoke for, beside the peer itself. It reads X-Forwarded-For only. */
function isForwardedByStranger({ headers, ips }: FastifyRequest): boolean {
  if (ips) return headers['x-forwarded-for'] !== undefined && ips.length < 2;
  return (
    headers['x-forwarded-for'] !== undefined ||
    headers.forwarded !== undefined ||
    headers['x-real-ip'] !== undefined
  );
}
