import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { And, IsNull, LessThan, MoreThan, Repository, type EntityManager } from 'typeorm';
import { readReferences } from '../database/references';
import { together } from '../database/together';
import { User } from './user.entity';
import { UserCache } from './user-cache';

/** Made at some moment, and its address never proven. */
export type UnverifiedAccount = Pick<User, 'id' | 'createdAt'>;

/** The accounts whose addresses nobody has proven, for the job that removes them. */
@Injectable()
export class UnverifiedAccountsService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly cache: UserCache,
  ) {}

  /**
   * The one that has waited for longest, with all that refers to it in memory.
   *
   * @param after the moment at which an account was made that could not be removed
   */
  async next(createdBefore: Date, after: Date | undefined): Promise<UnverifiedAccount | null> {
    const isOld = LessThan(createdBefore);
    const oldest = await this.users.findOne({
      select: { id: true, createdAt: true },
      where: { emailVerifiedAt: IsNull(), createdAt: after ? And(isOld, MoreThan(after)) : isOld },
      order: { createdAt: 'ASC' },
    });
    if (oldest) await readReferences('users', oldest.id, this.users.manager.dataSource);
    return oldest;
  }

  /** False, and it stays, where somebody holds the account or has proven its address meanwhile. */
  async remove(id: string, tx: EntityManager): Promise<boolean> {
    const [[, removed]] = await together(
      tx.query<[unknown[], number]>(
        `DELETE FROM users WHERE id = (
           SELECT id FROM users WHERE id = $1 AND email_verified_at IS NULL FOR UPDATE SKIP LOCKED)`,
        [id],
      ),
      this.cache.announce([id], tx),
    );
    return removed === 1;
  }
}
