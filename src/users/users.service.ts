import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type EntityManager, type FindOptionsWhere, Repository } from 'typeorm';
import { Clock } from '../common/clock';
import { newId } from '../common/crypto/tokens';
import { canonicalEmail } from '../common/validation/email-address';
import { columnsOf, readRows } from '../database/rows';
import { isUniqueViolation } from '../database/unique-violation';
import { UserCache } from './user-cache';
import { User, viewOf, type UserView } from './user.entity';

/** No hash: comparing with it takes as long as with one, and always fails. */
const LOCKED = '!';

export interface NewUser {
  /** Normalised. */
  email: string;
  name: string | null;
  passwordHash: string;
  isVerified: boolean;
}

export interface UserFilter {
  limit: number;
  after?: string;
  search?: string;
}

@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly cache: UserCache,
    private readonly clock: Clock,
  ) {}

  /**
   * Undefined where the address is taken: the unique index decides, so that of parallel registrations one wins. The
   * transaction can go on, for no statement has failed.
   */
  async tryCreate(newUser: NewUser, tx: EntityManager): Promise<User | undefined> {
    const user = this.build(newUser);
    const insert = tx.createQueryBuilder().insert().into(User).values(user).orIgnore().returning('id');
    const { raw } = await insert.execute();
    return (raw as unknown[]).length === 1 ? user : undefined;
  }

  /** What an account would look like. */
  build({ email, name, passwordHash, isVerified }: NewUser): User {
    const now = this.clock.now();
    return this.users.create({
      id: newId(),
      email,
      emailCanonical: canonicalEmail(email),
      pendingEmail: null,
      name,
      passwordHash,
      breachToldAt: null,
      emailVerifiedAt: isVerified ? now : null,
      isActive: true,
      createdAt: now,
      updatedAt: now,
    });
  }

  /** What its owner sees of the account; from memory where it has not changed. */
  async view(id: string): Promise<UserView | undefined> {
    const known = this.cache.find(id);
    if (known) return known;
    const readingSince = this.cache.beginReading();
    const user = await this.findById(id);
    if (!user) return undefined;
    const view = viewOf(user);
    this.cache.keep(view, readingSince);
    return view;
  }

  /** To be taken before a query that reads accounts along with something else. */
  beginReading(): number {
    return this.cache.beginReading();
  }

  /** Keeps in memory what such a query has found. */
  keep(view: UserView, readingSince: number): void {
    this.cache.keep(view, readingSince);
  }

  findById(id: string, tx?: EntityManager): Promise<User | null> {
    return this.findOne('id = $1', id, tx);
  }

  /** @param email normalised, in any letter case */
  findByEmail(email: string, tx?: EntityManager): Promise<User | null> {
    return this.findOne('email_canonical = $1', canonicalEmail(email), tx);
  }

  /**
   * A page of the accounts, the oldest first.
   *
   * @param after the last id of the page before
   * @param search part of the address or of the name, in any letter case; reads the whole table
   */
  list({ limit, after, search }: UserFilter): Promise<User[]> {
    const query = this.users.createQueryBuilder('user').orderBy('user.id', 'ASC').take(limit);
    if (after !== undefined) query.andWhere('user.id > :after', { after });
    if (search !== undefined) {
      const part = `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
      query.andWhere('(user.email_canonical LIKE :part OR lower(user.name) LIKE :part)', { part });
    }
    return query.getMany();
  }

  /**
   * Closes the account to its owner, or opens it again. Who closes it ends its sessions in the same transaction.
   *
   * @returns false where it was so already
   */
  setActive(id: string, isActive: boolean, tx: EntityManager): Promise<boolean> {
    return this.change({ id, isActive: !isActive }, { isActive }, tx);
  }

  /**
   * Sets a new password for whoever has proven to be the owner, and with it ends what an intruder may have begun: a
   * pending change of address goes.
   */
  async setPassword(id: string, passwordHash: string, tx: EntityManager): Promise<void> {
    await this.change({ id }, { passwordHash, breachToldAt: null, pendingEmail: null }, tx);
  }

  /** Leaves the account without a password that anybody could know: only a mailed link sets a new one. */
  async lockPassword(id: string, tx: EntityManager): Promise<void> {
    await this.setPassword(id, LOCKED, tx);
  }

  /** Notes that the owner is told of a breached password. False where that was done, or the password is another by now. */
  async markBreachTold({ id, passwordHash }: User, tx: EntityManager): Promise<boolean> {
    const { affected } = await tx.update(
      User,
      { id, passwordHash, breachToldAt: IsNull() },
      { breachToldAt: this.clock.now() },
    );
    return affected === 1;
  }

  /** @param email normalised */
  async setPendingEmail(id: string, email: string, tx: EntityManager): Promise<void> {
    await this.change({ id }, { pendingEmail: email }, tx);
  }

  /**
   * Makes the pending address the account's own, but only the very one that was proven.
   *
   * @returns false where the change was given up or replaced meanwhile, or somebody else has the address by now
   */
  confirmPendingEmail(id: string, email: string, tx: EntityManager): Promise<boolean> {
    return this.moveTo(email, { id, pendingEmail: email }, tx);
  }

  /** Gives the account back to an address it had, if that is free. */
  restoreEmail(id: string, email: string, tx: EntityManager): Promise<boolean> {
    return this.moveTo(email, { id }, tx);
  }

  /** Marks the address verified, but only the very address that the proof was about. */
  markVerified(id: string, email: string, tx: EntityManager): Promise<boolean> {
    return this.change({ id, email, emailVerifiedAt: IsNull() }, { emailVerifiedAt: this.clock.now() }, tx);
  }

  async rename(id: string, name: string | null, tx: EntityManager): Promise<void> {
    await this.change({ id }, { name }, tx);
  }

  /**
   * Holds the account as it was when its password was checked until the transaction ends: a reset, a deletion or a
   * disabling that came in between wins. Returns false then.
   */
  async isUnchanged(user: User, tx: EntityManager): Promise<boolean> {
    // Not shared: logins of one user come one after another, which makes the cap on sessions strict.
    const rows = await tx.query<unknown[]>(
      'SELECT 1 FROM users WHERE id = $1 AND password_hash = $2 AND is_active FOR NO KEY UPDATE',
      [user.id, user.passwordHash],
    );
    return rows.length === 1;
  }

  /**
   * Replaces a hash by a better one of the same password, unless the password has changed meanwhile.
   * Returns the hash that `user` is to be judged by from now on.
   */
  async rehash({ id, passwordHash }: User, better: string): Promise<string> {
    const { affected } = await this.users.update({ id, passwordHash }, { passwordHash: better });
    return affected === 1 ? better : passwordHash;
  }

  /** Removes the account, and by its foreign keys everything that is its own. */
  async remove(id: string, tx: EntityManager): Promise<void> {
    await tx.delete(User, { id });
    await this.cache.announce([id], tx);
  }

  private async findOne(
    condition: string,
    value: string,
    manager: EntityManager = this.users.manager,
  ): Promise<User | null> {
    const text = `SELECT ${columnsOf(User, manager)} FROM users WHERE ${condition}`;
    const [user] = await readRows<User>(text, [value], manager);
    return user ?? null;
  }

  private async moveTo(
    email: string,
    where: { id: string; pendingEmail?: string },
    tx: EntityManager,
  ): Promise<boolean> {
    const emailVerifiedAt = this.clock.now();
    const change = { email, emailCanonical: canonicalEmail(email), pendingEmail: null, emailVerifiedAt };
    try {
      // In a savepoint: the unique index may refuse, and the transaction goes on.
      return await tx.transaction((savepoint) => this.change(where, change, savepoint));
    } catch (error) {
      if (isUniqueViolation(error, 'ux_users_email_canonical')) return false;
      throw error;
    }
  }

  /** Every change of what `view` shows goes through here, or is announced where it is made. */
  private async change(
    where: FindOptionsWhere<User> & { id: string },
    change: Partial<User>,
    tx: EntityManager,
  ): Promise<boolean> {
    const { affected } = await tx.update(User, where, { ...change, updatedAt: this.clock.now() });
    if (affected !== 1) return false;
    await this.cache.announce([where.id], tx);
    return true;
  }
}
