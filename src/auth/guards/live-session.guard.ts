import { Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { AppError } from '../../common/errors/app-error';
import { CookieStrategy } from '../strategies/cookie.strategy';
import { JwtStrategy } from '../strategies/jwt.strategy';
import { using } from './using';

/** Notes whose live session a request was made in, where everybody is let in: nobody is refused, whatever they carry. */
@Injectable()
export class LiveSessionGuard extends AuthGuard() {
  constructor(jwt: JwtStrategy, cookie: CookieStrategy) {
    super(Object.assign(using(jwt, cookie), { property: 'liveSession' }));
  }

  override handleRequest<TUser>(error: unknown, user: TUser | false): TUser {
    // A credential that does not count is none; a database that is away is one for all.
    if (error && !(error instanceof AppError)) throw error;
    return (user || undefined) as TUser;
  }
}
