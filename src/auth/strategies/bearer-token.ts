import type { FastifyRequest } from 'fastify';

/** RFC 6750 §2.1; the scheme in any letter case (RFC 9110 §11.1). */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/** The token of the one Authorization line. Of two credentials nobody knows which was meant, so that is none. */
export function bearerTokenOf({ raw }: FastifyRequest): string | null {
  const lines = raw.headersDistinct.authorization ?? [];
  return lines.length === 1 ? (BEARER.exec(lines[0]!)?.[1] ?? null) : null;
}
