import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error';
import { headerLines } from './header-lines';
import { HTTP_LIMITS } from './limits';

/** Bytes of a body that are read and dropped rather than cut off. */
const SKIPPED_BODY = 16 * 1024;

/**
 * Refuses what the parser lets through and no client of ours sends, before anything else looks at it: addresses and
 * headers beyond the limits, other versions of HTTP, no Host or two of them (RFC 9112 §3.2), a body in codings that
 * a proxy may read otherwise (§6.1), one that is compressed or says that it is too large.
 */
export function refuseUnfitRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => done(unfitness(request)));
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    // The answer does not wait for the rest of a body that nobody reads, and neither does the connection. A small one is
    // skipped: a connection anew would cost both sides more, and most when there is too much to do already.
    if (!request.raw.complete && !isSoonOver(request.headers)) reply.header('Connection', 'close');
    done();
  });
}

function unfitness({ raw, headers }: FastifyRequest): AppError | undefined {
  if (raw.url!.length > HTTP_LIMITS.url) return new AppError('uri_too_long');
  if (raw.rawHeaders.length > 2 * HTTP_LIMITS.headerLines) return new AppError('headers_too_large');
  const isOld = raw.httpVersion === '1.0';
  if (!isOld && raw.httpVersion !== '1.1') return unclear('This version of HTTP is not spoken here');
  const hosts = headerLines(raw.rawHeaders, 'host');
  if (hosts > 1 || (hosts === 0 && !isOld)) return unclear('A request names one Host');
  if (!hasBody(headers)) return undefined;
  const coding = headers['transfer-encoding']?.toLowerCase();
  if (coding !== undefined && (coding !== 'chunked' || isOld))
    return unclear('The body must be sent as it is');
  if (Number(headers['content-length']) > HTTP_LIMITS.body) return new AppError('payload_too_large');
  // Nothing is ever decompressed: a small body must not become a large one.
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity')
    return new AppError('unsupported_media_type', { detail: 'The body must not be compressed' });
  return undefined;
}

const unclear = (detail: string) => new AppError('malformed_request', { detail });

function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function isSoonOver(headers: IncomingHttpHeaders): boolean {
  return !hasBody(headers) || Number(headers['content-length']) <= SKIPPED_BODY;
}
