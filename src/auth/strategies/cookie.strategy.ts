import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import { AuthenticationService } from '../../sessions/authentication.service';
import { SessionCookie } from '../cookies/session-cookie';
import { principalOf } from './principal-of';

/** What the request carries besides the user, for the guard that answers with a renewed cookie. */
export interface CookieRequest extends FastifyRequest {
  extendedSession?: { token: string; expiresAt: Date };
}

type Verify = (request: FastifyRequest, done: (error: unknown, principal: Principal) => void) => void;

/** Passport's part of the cookie credential: an Authorization header is never second-guessed by a cookie. */
class CookieCredential extends Strategy {
  constructor(
    private readonly cookie: SessionCookie,
    private readonly verify: Verify,
  ) {
    super();
  }

  override authenticate(given: unknown): void {
    const request = given as FastifyRequest;
    if (request.headers.authorization !== undefined || this.cookie.read(request) === undefined)
      return this.fail(401);
    this.verify(request, (error, principal) => (error ? this.error(error) : this.success(principal)));
  }
}

/** Reads the session cookie. It ends in the same `Principal` as the bearer token does. */
@Injectable()
export class CookieStrategy extends PassportStrategy(CookieCredential, 'cookie') {
  constructor(
    private readonly sessionCookie: SessionCookie,
    private readonly authentication: AuthenticationService,
  ) {
    super(sessionCookie);
  }

  /** Whose request it is, where memory alone can tell. Undefined says nothing: Passport is to be asked. */
  recall(request: FastifyRequest): Principal | undefined {
    const token = request.headers.authorization === undefined ? this.sessionCookie.read(request) : undefined;
    const session = token === undefined ? undefined : this.authentication.recallByCookie(token);
    return session && principalOf(session);
  }

  async validate(request: CookieRequest): Promise<Principal> {
    const token = this.sessionCookie.read(request)!;
    const used = await this.authentication.byCookie(token);
    if (!used) throw new AppError('session_revoked');
    if (used.isExtended) request.extendedSession = { token, expiresAt: new Date(used.session.expiresAt) };
    return principalOf(used.session);
  }
}
