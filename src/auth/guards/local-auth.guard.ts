import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../common/errors/app-error';
import { createValidationPipe } from '../../common/validation/validation.pipe';
import { LocalStrategy, type LoginForm } from '../strategies/local.strategy';
import type { Authenticated } from '../login/credentials.service';
import { LoginRequest } from '../login/dto/login.request';
import { LiveSessionGuard } from './live-session.guard';
import { PassportGuard } from './passport.guard';

/** Judges the password of a login. Guards run before pipes, so the body is validated here, by the same rules. */
@Injectable()
export class LocalAuthGuard extends PassportGuard implements CanActivate {
  private readonly validation = createValidationPipe();

  constructor(
    local: LocalStrategy,
    private readonly liveSession: LiveSessionGuard,
  ) {
    super(local);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user: Authenticated }>();
    await this.validation.transform(request.body, { type: 'body', metatype: LoginRequest });
    await this.liveSession.canActivate(context);
    const form: LoginForm = { body: request.body, request };
    const user = await this.judge<Authenticated>(form);
    if (!user) throw new AppError('invalid_credentials');
    request.user = user;
    return true;
  }
}
