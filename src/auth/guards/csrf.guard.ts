import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import { Config } from '../../config/config';
import { CsrfTokens } from '../cookies/csrf-tokens';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses requests that another site made somebody's browser send. What the browser says of the request's origin is
 * checked wherever no bearer token proves intent, logging in included (login CSRF); a request that lives on a cookie
 * must know the session's CSRF token as well. Runs after the authentication guard.
 */
@Injectable()
export class CsrfGuard implements CanActivate {
  private readonly origins: Set<string>;

  constructor(
    { http }: Config,
    private readonly csrfTokens: CsrfTokens,
  ) {
    this.origins = new Set([http.publicUrl, ...http.corsOrigins]);
  }

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user?: Principal }>();
    const { method, headers, user } = request;
    if (SAFE_METHODS.has(method) || user?.transport === 'bearer') return true;
    if (!this.isOwnSite(headers)) throw new AppError('csrf_failed');
    if (user?.transport === 'cookie' && !this.csrfTokens.verify(headers['x-csrf-token'], user.sessionId))
      throw new AppError('csrf_failed');
    return true;
  }

  /** A browser says where a request comes from; a program that says nothing has no cookies of a victim to abuse. */
  private isOwnSite({ origin, 'sec-fetch-site': site }: FastifyRequest['headers']): boolean {
    if (site === 'same-origin' || site === 'none') return true;
    if (origin !== undefined) return this.origins.has(origin);
    return site === undefined;
  }
}
