import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { User } from '../../users/user.entity';

/** The user whose password the local strategy has just accepted. There is no session yet, hence no `Principal`. */
export const AuthenticatedUser = createParamDecorator(
  (_: unknown, context: ExecutionContext): User => context.switchToHttp().getRequest<{ user: User }>().user,
);
