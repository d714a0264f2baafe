import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { normalizeEmail } from '../../common/validation/email-address';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { PasswordHasher } from '../passwords/password-hasher';

export interface PasswordCheck {
  user: User | null;
  isRight: boolean;
}

/** Compares a password with an account's, in the same time whether the account exists or not. */
@Injectable()
export class PasswordVerifier {
  private readonly logger = new Logger(PasswordVerifier.name);

  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
  ) {}

  async check(email: string, password: string): Promise<PasswordCheck> {
    const normalized = normalizeEmail(email);
    const user = normalized === undefined ? null : await this.users.findByEmail(normalized);
    // The hash runs for unknown users too: response time must not tell which addresses exist.
    const isRight = await this.hasher.verify(password, user?.passwordHash ?? null);
    if (user && isRight && this.hasher.needsRehash(user.passwordHash)) await this.rehash(user, password);
    return { user, isRight };
  }

  /** Whether it is the password of an account that is known already. */
  async isPasswordOf(userId: string, password: string): Promise<boolean> {
    const user = await this.users.findById(userId);
    return this.hasher.verify(password, user?.passwordHash ?? null);
  }

  /** Whether the password checked a moment ago is the account's password still: a reset in between wins. */
  isStillRight(user: User, tx: EntityManager): Promise<boolean> {
    return this.users.isUnchanged(user, tx);
  }

  /** Moves the account to the configured cost and pepper while the password is at hand. A failure costs nobody the login. */
  private async rehash(user: User, password: string): Promise<void> {
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
}
