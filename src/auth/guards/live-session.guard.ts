import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../common/errors/app-error';
import { SessionCookie } from '../cookies/session-cookie';
import { CookieStrategy } from '../strategies/cookie.strategy';
import { JwtStrategy } from '../strategies/jwt.strategy';
import { using } from './using';

/** Notes whose live session a request was made in, where everybody is let in: nobody is refused, whatever they carry. */
@Injectable()
export class LiveSessionGuard extends AuthGuard() {
  constructor(
    jwt: JwtStrategy,
    cookie: CookieStrategy,
    private readonly sessionCookie: SessionCookie,
  ) {
    super(Object.assign(using(jwt, cookie), { property: 'liveSession' }));
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    // Who logs in seldom carries anything, and Passport would ask each strategy for its challenge.
    const { authorization } = request.headers;
    if (authorization !== undefined || this.sessionCookie.read(request) !== undefined)
      await super.canActivate(context);
    return true;
  }

  override handleRequest<TUser>(error: unknown, user: TUser | false): TUser {
    // A credential that does not count is none; a database that is away is one for all.
    if (error && !(error instanceof AppError)) throw error;
    return (user || undefined) as TUser;
  }
}
