import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';

/** What stands for a user in the pattern of a route: `/api/users/:anything`, and `:userId` wherever it is. */
const USER_IN_PATH = /^\/api\/users\/:(\w+)|:(userId)\b/g;

/**
 * Everything below `/api/users/:userId` is that user's alone. Every route passes here, so that none can be forgotten. The
 * account is not looked for: one that does not exist is answered like somebody else's. Runs after the authentication
 * guard.
 */
@Injectable()
export class OwnershipGuard implements CanActivate {
  private readonly parameters = new Map<string, string[]>();

  canActivate(context: ExecutionContext): boolean {
    const request = context
      .switchToHttp()
      .getRequest<FastifyRequest<{ Params: Record<string, string> }> & { user?: Principal }>();
    const { params, user, routeOptions } = request;
    for (const name of this.parametersOf(routeOptions.url!))
      if (params[name] !== user?.userId) throw new AppError('forbidden');
    return true;
  }

  /** The parameters of a route that stand for a user, looked for once. */
  private parametersOf(route: string): string[] {
    const known = this.parameters.get(route);
    if (known) return known;
    const found = Array.from(route.matchAll(USER_IN_PATH), ([, below, named]) => below ?? named!);
    this.parameters.set(route, found);
    return found;
  }
}
