import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/errors/app-error';
import { BreachCheck } from './breach-check';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';

/** The one way a new password gets in: every flow that sets one asks the same rules before it is hashed. */
@Injectable()
export class NewPasswords {
  constructor(
    private readonly policy: PasswordPolicy,
    private readonly breaches: BreachCheck,
    private readonly hasher: PasswordHasher,
  ) {}

  /**
   * May take a second for the look-up among breached passwords: not to be called within a transaction.
   *
   * @throws AppError `validation_failed` with an entry for each broken rule, `overloaded`
   */
  async hash(
    password: string,
    owner: { email: string; name: string | null },
    field: string,
  ): Promise<string> {
    this.policy.assert(password, owner, field);
    // Only what passes leaves the house, and of that five digits of its SHA-1.
    if (await this.breaches.isBreached(password))
      throw AppError.invalid(field, 'breached', 'must not be a password that was in a data breach');
    return this.hasher.hash(password);
  }
}
