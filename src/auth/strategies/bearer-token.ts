import type { FastifyRequest } from 'fastify';
import { headerLines } from '../../common/http/header-lines';

/** RFC 6750 §2.1; the scheme in any letter case (RFC 9110 §11.1). */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/** The token of the one Authorization line. Of two credentials nobody knows which was meant, so that is none. */
export function bearerTokenOf({ headers: { authorization }, raw }: FastifyRequest): string | null {
  if (authorization === undefined || headerLines(raw.rawHeaders, 'authorization') > 1) return null;
  return BEARER.exec(authorization)?.[1] ?? null;
}
