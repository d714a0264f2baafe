import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who calls, as far as the connection tells: kept with sessions and security events. */
export interface ClientInfo {
  ip: string;
  /** At most 512 characters. */
  userAgent: string | null;
  requestId: string;
}

export function clientInfoOf(request: FastifyRequest): ClientInfo {
  return {
    // PostgreSQL's inet knows no zone (fe80::1%eth0).
    ip: request.ip.split('%')[0]!,
    userAgent: request.headers['user-agent']?.slice(0, 512) ?? null,
    requestId: request.id,
  };
}

/** The calling client as a controller's parameter. */
export const Client = createParamDecorator((_: unknown, context: ExecutionContext): ClientInfo =>
  clientInfoOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
