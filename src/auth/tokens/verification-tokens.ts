import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, Not, type EntityManager, Repository } from 'typeorm';
import { Clock } from '../../common/clock';
import { newId, newSecret, sha256 } from '../../common/crypto/tokens';
import { AppError } from '../../common/errors/app-error';
import { VerificationToken, type Purpose } from './verification-token.entity';

/** How long a mailed link proves an address (ASVS 6.5: at most 24 hours). */
export const VERIFICATION_TTL_MS = 24 * 3_600_000;

export interface ConsumedVerification {
  userId: string;
  email: string;
  /** False where the same token had been consumed before. */
  isFirst: boolean;
}

@Injectable()
export class VerificationTokens {
  constructor(
    @InjectRepository(VerificationToken) private readonly tokens: Repository<VerificationToken>,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes the token of a letter. Links of earlier letters for the same purpose stop working; those of earlier tries to
   * deliver this very letter go on, since any of the tries may be the one that arrived.
   */
  async issue(userId: string, email: string, purpose: Purpose, letterId: string): Promise<string> {
    const now = this.clock.now();
    const token = newSecret();
    await this.tokens.manager.transaction(async (tx) => {
      await tx.delete(VerificationToken, { userId, purpose, letterId: Not(letterId), consumedAt: IsNull() });
      await tx.insert(VerificationToken, {
        id: newId(),
        userId,
        purpose,
        email,
        tokenHash: sha256(token),
        letterId,
        createdAt: now,
        expiresAt: new Date(now.getTime() + VERIFICATION_TTL_MS),
        consumedAt: null,
      });
    });
    return token;
  }

  /**
   * Uses a token up. One conditional UPDATE decides, so that of parallel requests one is the first; the others, and
   * every later one, learn whom it verified.
   *
   * @throws AppError `link_invalid` | `link_expired`
   */
  async consume(token: string, purpose: Purpose, tx: EntityManager): Promise<ConsumedVerification> {
    const now = this.clock.now();
    const tokenHash = sha256(token);
    const { affected } = await tx.update(
      VerificationToken,
      { tokenHash, purpose, consumedAt: IsNull(), expiresAt: MoreThan(now) },
      { consumedAt: now },
    );
    const found = await tx.findOneBy(VerificationToken, { tokenHash, purpose });
    if (!found) throw new AppError('link_invalid');
    if (!found.consumedAt) throw new AppError('link_expired');
    return { userId: found.userId, email: found.email, isFirst: affected === 1 };
  }
}
