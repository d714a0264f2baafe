import type { User } from '../../users/user.entity';
import { dateOf } from '../table';

/** What the CLI shows of an account: never its hash. */
export function accountOf(user: User) {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    isActive: user.isActive,
    emailVerifiedAt: dateOf(user.emailVerifiedAt),
    pendingEmail: user.pendingEmail,
    createdAt: user.createdAt.toISOString(),
    updatedAt: user.updatedAt.toISOString(),
  };
}
