import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../common/errors/app-error';
import { createValidationPipe } from '../../common/validation/validation.pipe';
import { LocalStrategy } from '../strategies/local.strategy';
import { LoginRequest } from '../login/dto/login.request';
import { LiveSessionGuard } from './live-session.guard';
import { using } from './using';

/** Judges the password of a login. Guards run before pipes, so the body is validated here, by the same rules. */
@Injectable()
export class LocalAuthGuard extends AuthGuard() {
  private readonly validation = createValidationPipe();

  constructor(
    local: LocalStrategy,
    private readonly liveSession: LiveSessionGuard,
  ) {
    super(using(local));
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    await this.validation.transform(body, { type: 'body', metatype: LoginRequest });
    await this.liveSession.canActivate(context);
    return (await super.canActivate(context)) as boolean;
  }

  override handleRequest<TUser>(error: unknown, user: TUser | false): TUser {
    if (error) throw error;
    if (!user) throw new AppError('invalid_credentials');
    return user;
  }
}
