import { Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { IS_PUBLIC } from '../../common/access/public.decorator';
import { AppError } from '../../common/errors/app-error';
import { JwtStrategy } from '../strategies/jwt.strategy';
import { using } from './using';

/** Closes every route of the application that is not marked `@Public()`. */
@Injectable()
export class AuthenticationGuard extends AuthGuard() {
  constructor(
    jwt: JwtStrategy,
    private readonly reflector: Reflector,
  ) {
    super(using(jwt));
  }

  override canActivate(context: ExecutionContext) {
    const isPublic = this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    return isPublic ? true : super.canActivate(context);
  }

  /** Passport's outcome in the words of the catalogue. `error` is ours or an outage; `info` is the library's opinion. */
  override handleRequest<TUser>(
    error: unknown,
    user: TUser | false,
    _info: unknown,
    context: ExecutionContext,
  ): TUser {
    if (error) throw error;
    if (user) return user;
    const { authorization } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    throw new AppError(authorization === undefined ? 'unauthenticated' : 'token_invalid');
  }
}
