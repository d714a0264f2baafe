import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { PasswordHasher } from '../passwords/password-hasher';

/** What follows once a password was right. Whether it is, `PasswordAttempts` alone decides. */
@Injectable()
export class PasswordVerifier {
  private readonly logger = new Logger(PasswordVerifier.name);

  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
  ) {}

  /** Moves the account to the configured cost and pepper while the password is at hand. A failure costs nobody the login. */
  async upgrade(user: User, password: string): Promise<void> {
    if (!this.hasher.needsRehash(user.passwordHash)) return;
    try {
      user.passwordHash = await this.users.rehash(user, await this.hasher.hash(password));
    } catch (err) {
      this.logger.warn({
        event: 'password.rehash_failed',
        userId: user.id,
        err,
        msg: 'a hash was not upgraded',
      });
    }
  }

  /** Whether the password checked a moment ago is the account's password still: a reset in between wins. */
  isStillRight(user: User, tx: EntityManager): Promise<boolean> {
    return this.users.isUnchanged(user, tx);
  }
}
