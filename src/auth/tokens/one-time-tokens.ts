import { Injectable } from '@nestjs/common';
import { IsNull, type EntityManager } from 'typeorm';
import { ResetToken } from './reset-token.entity';
import { VerificationToken } from './verification-token.entity';

/** What all mailed tokens of a user have in common. */
@Injectable()
export class OneTimeTokens {
  /** Takes the worth from every token that is still unused: those an intruder asked for are among them. */
  async voidAll(userId: string, tx: EntityManager): Promise<void> {
    await tx.delete(ResetToken, { userId, consumedAt: IsNull() });
    await tx.delete(VerificationToken, { userId, consumedAt: IsNull() });
  }
}
