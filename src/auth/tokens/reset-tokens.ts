import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, Not, type EntityManager, Repository } from 'typeorm';
import { Clock } from '../../common/clock';
import { newId, newSecret, sha256 } from '../../common/crypto/tokens';
import { Transactions } from '../../database/transactions';
import { User } from '../../users/user.entity';
import { ResetToken } from './reset-token.entity';

const HOUR_MS = 3_600_000;
export const RESET_TTL_MS = HOUR_MS;
/** Letters to one account within an hour, however many are asked for. */
const MOST_LETTERS = 3;

@Injectable()
export class ResetTokens {
  constructor(
    @InjectRepository(ResetToken) private readonly tokens: Repository<ResetToken>,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes the token of a letter. The links of several letters work side by side until one of them is used.
   *
   * @returns undefined where enough letters were sent within the hour
   */
  issue(userId: string, letterId: string): Promise<string | undefined> {
    return this.transactions.run(async (tx) => {
      // Letters of one account are counted one after another.
      await tx.findOne(User, {
        select: { id: true },
        where: { id: userId },
        lock: { mode: 'for_no_key_update' },
      });
      const now = this.clock.now().getTime();
      const recent = await tx.find(ResetToken, {
        select: { letterId: true },
        where: { userId, letterId: Not(letterId), createdAt: MoreThan(new Date(now - HOUR_MS)) },
      });
      if (new Set(recent.map((token) => token.letterId)).size >= MOST_LETTERS) return undefined;
      const token = newSecret();
      await tx.insert(ResetToken, {
        id: newId(),
        userId,
        tokenHash: sha256(token),
        letterId,
        createdAt: new Date(now),
        expiresAt: new Date(now + RESET_TTL_MS),
        consumedAt: null,
      });
      return token;
    });
  }

  /** Whose password a token may set, without using it up; says why where it may not. */
  async peek(token: string): Promise<string | { refusal: 'link_invalid' | 'link_expired' }> {
    const found = await this.tokens.findOneBy({ tokenHash: sha256(token) });
    if (!found || found.consumedAt) return { refusal: 'link_invalid' };
    return found.expiresAt > this.clock.now() ? found.userId : { refusal: 'link_expired' };
  }

  /** Uses a token up. One conditional UPDATE decides: of parallel requests one gets true. */
  async consume(token: string, tx: EntityManager): Promise<boolean> {
    const now = this.clock.now();
    const { affected } = await tx.update(
      ResetToken,
      { tokenHash: sha256(token), consumedAt: IsNull(), expiresAt: MoreThan(now) },
      { consumedAt: now },
    );
    return affected === 1;
  }
}
