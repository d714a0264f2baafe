import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { markUnder } from '../../common/access/marks';
import type { Principal } from '../../common/access/principal';
import { IS_PUBLIC } from '../../common/access/public.decorator';
import { AppError } from '../../common/errors/app-error';
import { SessionCookie } from '../cookies/session-cookie';
import { CookieStrategy, type CookieRequest } from '../strategies/cookie.strategy';
import { JwtStrategy } from '../strategies/jwt.strategy';
import { PassportGuard } from './passport.guard';

const isPublic = markUnder<boolean>(IS_PUBLIC);

type AuthenticatedRequest = CookieRequest & { user?: Principal };

/**
 * Closes every route of the application that is not marked `@Public()`. Whom memory knows is let in at once; all others
 * are Passport's to judge, which costs more than the rest of a hot request.
 */
@Injectable()
export class AuthenticationGuard extends PassportGuard implements CanActivate {
  constructor(
    private readonly jwt: JwtStrategy,
    private readonly cookie: CookieStrategy,
    private readonly sessionCookie: SessionCookie,
  ) {
    super(jwt, cookie);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    request.user = this.jwt.recall(request) ?? this.cookie.recall(request);
    return (
      request.user !== undefined || this.ask(request, context.switchToHttp().getResponse<FastifyReply>())
    );
  }

  private async ask(request: AuthenticatedRequest, reply: FastifyReply): Promise<boolean> {
    request.user = await this.judge<Principal>(request);
    if (!request.user) throw unauthenticated(request);
    const { extendedSession } = request;
    if (extendedSession) this.sessionCookie.set(reply, extendedSession.token, extendedSession.expiresAt);
    return true;
  }
}

function unauthenticated({ headers: { authorization } }: FastifyRequest): AppError {
  return new AppError(authorization === undefined ? 'unauthenticated' : 'token_invalid');
}
