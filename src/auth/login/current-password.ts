import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { failuresOfConfirmation } from '../back-off/failure-ids';
import { PasswordAttempts } from '../back-off/password-attempts.service';

/** Asks somebody who is logged in for the password again: whoever found a session must not find the password out with it. */
@Injectable()
export class CurrentPassword {
  constructor(
    private readonly users: UsersService,
    private readonly attempts: PasswordAttempts,
  ) {}

  /**
   * Returns the account as it was when the password was compared with its own.
   *
   * @throws AppError `password_incorrect`, after which `retryAfter` holds back | `overloaded`
   */
  async confirm(userId: string, password: string, client: ClientInfo): Promise<User> {
    const failures = failuresOfConfirmation(userId);
    const [user, blocks] = await Promise.all([
      this.users.findById(userId),
      this.attempts.blocksOf([failures]),
    ]);
    const attempt = { failures, forgets: [], isRecorded: false, isTold: true };
    const verdict = await this.attempts.judge(attempt, blocks, user, password, client);
    if (!user || verdict.outcome !== 'right')
      throw new AppError('password_incorrect', { retryAfter: verdict.retryAfter });
    return user;
  }
}
