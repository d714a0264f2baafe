import type { ExecutionContext } from '@nestjs/common';
import { AuthGuard, type IAuthModuleOptions } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { PresentedRequest } from '../strategies/presented-request';

/** What a guard that asks Passport has in common with the others. */
export abstract class PassportGuard extends AuthGuard() {
  /**
   * Passport looks names up in one registry of the process, where the strategies of a second application replace those
   * of the first. It takes objects as well, though its types know only names, and writes the outcome of a request on them:
   * hence a fresh one for each request.
   */
  constructor(...strategies: object[]) {
    const options: IAuthModuleOptions = {
      get defaultStrategy() {
        return strategies.map((strategy) => Object.create(strategy) as string);
      },
    };
    super(options);
  }

  /** Whom the strategies find, as `handleRequest` takes it. */
  protected async judge<TUser>(request: FastifyRequest): Promise<TUser> {
    const presented: PresentedRequest & { user?: TUser } = new PresentedRequest(request);
    const http = { getRequest: () => presented, getResponse: () => undefined };
    try {
      await super.canActivate({ switchToHttp: () => http } as unknown as ExecutionContext);
      return presented.user!;
    } finally {
      presented.letGo();
    }
  }
}
