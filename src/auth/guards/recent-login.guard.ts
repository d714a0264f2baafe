import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { markUnder } from '../../common/access/marks';
import type { Principal } from '../../common/access/principal';
import { NEEDS_RECENT_LOGIN } from '../../common/access/recent-login.decorator';
import { Clock } from '../../common/clock';
import { AppError } from '../../common/errors/app-error';
import { clientInfoOf } from '../../common/http/client-info';
import { CurrentPassword } from '../login/current-password';

const RECENT_MS = 5 * 60_000;

const isNeeded = markUnder<boolean>(NEEDS_RECENT_LOGIN);

/** Holds `@RecentLogin()`. Runs after the authentication guard. */
@Injectable()
export class RecentLoginGuard implements CanActivate {
  constructor(
    private readonly currentPassword: CurrentPassword,
    private readonly clock: Clock,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return !isNeeded(context) || this.isRecent(context);
  }

  private async isRecent(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user: Principal }>();
    const { user, body } = request;
    if (this.clock.now().getTime() - user.authenticatedAt <= RECENT_MS) return true;
    const password = (body as { password?: unknown } | undefined)?.password;
    if (typeof password !== 'string') throw new AppError('recent_login_required');
    await this.currentPassword.confirm(user.userId, password, clientInfoOf(request));
    return true;
  }
}
