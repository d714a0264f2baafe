import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, LessThan, type EntityManager, Repository } from 'typeorm';
import { Clock } from '../common/clock';
import { newId } from '../common/crypto/tokens';
import { AppError } from '../common/errors/app-error';
import { canonicalEmail } from '../common/validation/email-address';
import { isUniqueViolation } from '../database/unique-violation';
import { User } from './user.entity';

export interface NewUser {
  /** Normalised. */
  email: string;
  name: string | null;
  passwordHash: string;
  isVerified: boolean;
}

@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError `email_taken`; the unique index decides, so that of parallel registrations one wins */
  async create({ email, name, passwordHash, isVerified }: NewUser, tx: EntityManager): Promise<User> {
    const now = this.clock.now();
    const user = tx.create(User, {
      id: newId(),
      email,
      emailCanonical: canonicalEmail(email),
      name,
      passwordHash,
      emailVerifiedAt: isVerified ? now : null,
      isActive: true,
      createdAt: now,
      updatedAt: now,
    });
    try {
      await tx.insert(User, user);
    } catch (error) {
      if (isUniqueViolation(error, 'ux_users_email_canonical')) throw new AppError('email_taken');
      throw error;
    }
    return user;
  }

  findById(id: string, tx?: EntityManager): Promise<User | null> {
    return tx ? tx.findOneBy(User, { id }) : this.users.findOneBy({ id });
  }

  /** @param email normalised, in any letter case */
  findByEmail(email: string): Promise<User | null> {
    return this.users.findOneBy({ emailCanonical: canonicalEmail(email) });
  }

  /** Marks the address verified, but only the very address that the proof was about. */
  async markVerified(id: string, email: string, tx: EntityManager): Promise<boolean> {
    const now = this.clock.now();
    const { affected } = await tx.update(
      User,
      { id, email, emailVerifiedAt: IsNull() },
      { emailVerifiedAt: now, updatedAt: now },
    );
    return affected === 1;
  }

  async rename(id: string, name: string | null, tx: EntityManager): Promise<void> {
    await tx.update(User, { id }, { name, updatedAt: this.clock.now() });
  }

  /**
   * Holds the account as it was when its password was checked until the transaction ends: a reset, a deletion or a
   * disabling that came in between wins. Returns false then.
   */
  async isUnchanged(user: User, tx: EntityManager): Promise<boolean> {
    return tx.exists(User, {
      where: { id: user.id, passwordHash: user.passwordHash, isActive: true },
      // Not shared: logins of one user come one after another, which makes the cap on sessions strict.
      lock: { mode: 'for_no_key_update' },
    });
  }

  /**
   * Replaces a hash by a better one of the same password, unless the password has changed meanwhile.
   * Returns the hash that `user` is to be judged by from now on.
   */
  async rehash({ id, passwordHash }: User, better: string): Promise<string> {
    const { affected } = await this.users.update({ id, passwordHash }, { passwordHash: better });
    return affected === 1 ? better : passwordHash;
  }

  /** Removes accounts that were never verified. Returns their ids. */
  async removeUnverified(createdBefore: Date, limit: number, tx: EntityManager): Promise<string[]> {
    const stale = await tx.find(User, {
      select: { id: true },
      where: { emailVerifiedAt: IsNull(), createdAt: LessThan(createdBefore) },
      order: { createdAt: 'ASC' },
      take: limit,
      lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
    });
    const ids = stale.map(({ id }) => id);
    if (ids.length > 0) await tx.delete(User, ids);
    return ids;
  }
}
