import { Module } from '@nestjs/common';
import { BreachCheck } from './breach-check';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy } from './password-policy';

@Module({
  providers: [PasswordHasher, PasswordPolicy, BreachCheck],
  exports: [PasswordHasher, PasswordPolicy, BreachCheck],
})
export class PasswordsModule {}
