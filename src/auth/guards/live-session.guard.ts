import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import { SessionCookie } from '../cookies/session-cookie';
import { CookieStrategy } from '../strategies/cookie.strategy';
import { JwtStrategy } from '../strategies/jwt.strategy';
import type { LoginHttpRequest } from '../strategies/local.strategy';
import { PassportGuard } from './passport.guard';

/** Notes whose live session a request was made in, where everybody is let in: nobody is refused, whatever they carry. */
@Injectable()
export class LiveSessionGuard extends PassportGuard implements CanActivate {
  constructor(
    jwt: JwtStrategy,
    cookie: CookieStrategy,
    private readonly sessionCookie: SessionCookie,
  ) {
    super(jwt, cookie);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<LoginHttpRequest>();
    // Who logs in seldom carries anything, and passport-jwt says so by an error with its stack.
    const { authorization } = request.headers;
    if (authorization !== undefined || this.sessionCookie.read(request) !== undefined)
      request.liveSession = await this.find(request);
    return true;
  }

  /** A credential that does not count is none; a database that is away is one for all. */
  private async find(request: LoginHttpRequest): Promise<Principal | undefined> {
    try {
      return await this.judge(request);
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  }
}
