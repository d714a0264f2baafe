import { isIP, isIPv4 } from 'node:net';
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
    ip: addressOf(request),
    userAgent: request.headers['user-agent']?.slice(0, 512) ?? null,
    requestId: request.id,
  };
}

/** Always a valid address, without zone or port. */
export function addressOf({ ip, socket }: FastifyRequest): string {
  return addressIn(ip) ?? addressIn(socket.remoteAddress) ?? '::';
}

/** The calling client as a controller's parameter. */
export const Client = createParamDecorator((_: unknown, context: ExecutionContext): ClientInfo =>
  clientInfoOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/**
 * What PostgreSQL can store: without a zone (fe80::1%eth0) and without the port that some proxies add. Undefined where a
 * proxy passed on something else, such as whatever its client sent.
 */
function addressIn(text = ''): string | undefined {
  if (isIPv4(text)) return text;
  const address = /^\[(.+)\](:\d+)?$/.exec(text)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(text)?.[1] ?? text;
  const withoutZone = address.split('%')[0]!;
  return isIP(withoutZone) ? withoutZone : undefined;
}
