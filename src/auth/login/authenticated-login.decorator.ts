import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Authenticated } from './credentials.service';

/** Whom the local strategy has just authenticated. There is no session yet, hence no `Principal`. */
export const AuthenticatedLogin = createParamDecorator(
  (_: unknown, context: ExecutionContext): Authenticated =>
    context.switchToHttp().getRequest<{ user: Authenticated }>().user,
);
