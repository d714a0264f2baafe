import { Injectable } from '@nestjs/common';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';

/** The one way a new password gets in: every flow that sets one asks the same rules before it is hashed. */
@Injectable()
export class NewPasswords {
  constructor(
    private readonly policy: PasswordPolicy,
    private readonly hasher: PasswordHasher,
  ) {}

  /** @throws AppError `validation_failed` with an entry for each broken rule, `overloaded` */
  hash(password: string, owner: { email: string; name: string | null }, field: string): Promise<string> {
    this.policy.assert(password, owner, field);
    return this.hasher.hash(password);
  }
}
