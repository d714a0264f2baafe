import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../access/principal';
import { clientInfoOf } from '../http/client-info';
import type { SecurityEvent } from '../log/security-events';
import { logSecurityEvent, type SecurityDetails } from '../log/security-log';
import { isDatabaseAway } from './outage';
import { AppError } from './app-error';
import { entryOf, type ErrorKey } from './catalogue';
import { PROBLEM_TYPE, problemOf } from './problem';

const KEY_OF_STATUS: Record<number, ErrorKey> = {
  400: 'malformed_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  503: 'unavailable',
};

/** Refusals that are security events. What is judged elsewhere, such as a login, is logged there. */
const REFUSED: Partial<Record<ErrorKey, SecurityEvent>> = {
  link_invalid: 'link.refused',
  link_expired: 'link.refused',
  token_invalid: 'token.refused',
  token_expired: 'token.refused',
  session_revoked: 'token.refused',
  forbidden: 'access.denied',
  csrf_failed: 'csrf.refused',
  password_incorrect: 'password.refused',
  email_taken: 'registration.refused',
};

/** Turns whatever was thrown into a problem document (RFC 9457). The client never sees more than the catalogue says. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error = toAppError(thrown);
    const { status } = entryOf(error.key);
    // Refusing is what an overloaded service does on purpose, and cheaply: a line each would be part of the load.
    if (status >= 500 && error.key !== 'overloaded') this.report(error, request);
    if (status === 401 && !reply.getHeader('WWW-Authenticate'))
      reply.header('WWW-Authenticate', challengeFor(error));
    const event = REFUSED[error.key];
    if (event) logSecurityEvent(event, refusalOf(error, request));
    send(error, request, reply);
  }

  private report(error: AppError, request: FastifyRequest): void {
    this.logger.error({
      event: 'request.failed',
      code: error.key,
      route: request.routeOptions?.url,
      requestId: request.id,
      err: error.cause ?? error,
      msg: 'a request failed',
    });
  }
}

/**
 * What Fastify's router refuses before any hook or handler: a path that does not decode, a parameter too long. Nothing
 * has read forwarding headers either, so that behind a proxy these count for the proxy.
 */
export function answerUnroutable(thrown: Error, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('X-Request-Id', request.id);
  const counted = request.server.countRequest?.(request, reply) ?? Promise.resolve();
  counted.then(
    () => send(toAppError(thrown), request, reply),
    (refused: unknown) => send(toAppError(refused), request, reply),
  );
}

function send(error: AppError, request: FastifyRequest, reply: FastifyReply): void {
  const { status } = entryOf(error.key);
  const retryAfter = error.retryAfter ?? (status === 503 ? 2 : undefined);
  if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter));
  void reply
    .status(status)
    .header('Content-Type', PROBLEM_TYPE)
    .header('Cache-Control', 'no-store')
    .send(problemOf(error, request.routeOptions?.url ?? 'unknown', request.id));
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof HttpException) {
    if (thrown.cause instanceof AppError) return thrown.cause;
    return new AppError(KEY_OF_STATUS[thrown.getStatus()] ?? 'internal_error', { cause: thrown });
  }
  if (isDatabaseAway(thrown)) return new AppError('unavailable', { cause: thrown });
  const status = (thrown as { statusCode?: unknown } | null)?.statusCode;
  const key = typeof status === 'number' && status < 500 ? KEY_OF_STATUS[status] : undefined;
  return new AppError(key ?? 'internal_error', { cause: thrown });
}

/** RFC 6750 §3: what kind of credential is asked for, and what was wrong with the one presented. */
function challengeFor(error: AppError): string {
  return error.key === 'unauthenticated' || error.key === 'invalid_credentials'
    ? 'Bearer realm="gatehouse"'
    : `Bearer realm="gatehouse", error="invalid_token", error_description="${entryOf(error.key).title}"`;
}

function refusalOf(error: AppError, request: FastifyRequest): SecurityDetails {
  const principal = (request as FastifyRequest & { user?: Partial<Principal> }).user;
  return {
    userId: principal?.userId,
    sessionId: principal?.sessionId,
    ip: clientInfoOf(request).ip,
    requestId: request.id,
    route: request.routeOptions?.url,
    reason: entryOf(error.key).code,
  };
}
