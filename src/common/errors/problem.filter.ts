import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
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
    if (status >= 500) this.report(error, request);
    if (status === 401 && !reply.getHeader('WWW-Authenticate'))
      reply.header('WWW-Authenticate', challengeFor(error));
    const retryAfter = error.retryAfter ?? (status === 503 ? 2 : undefined);
    if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter));
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

/** What Fastify's router refuses before any hook or handler: a path that does not decode, a parameter too long. */
export function answerUnroutable(thrown: Error, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('X-Request-Id', request.id);
  send(toAppError(thrown), request, reply);
}

function send(error: AppError, request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .status(entryOf(error.key).status)
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
