import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { failuresOfAddress, failuresOfConfirmation } from '../../auth/back-off/failure-ids';
import { LoginFailures } from '../../auth/back-off/login-failures';
import { NewPasswords } from '../../auth/passwords/new-passwords';
import { OneTimeTokens } from '../../auth/tokens/one-time-tokens';
import { normalizeEmail } from '../../common/validation/email-address';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { MailService } from '../../mail/mail.service';
import { RevocationService } from '../../sessions/revocation.service';
import { SessionsService } from '../../sessions/sessions.service';
import type { User } from '../../users/user.entity';
import { UsersService, type UserFilter } from '../../users/users.service';
import { CliError, UsageError } from '../cli-error';
import { isId } from '../option-values';

export interface AccountToCreate {
  email: string;
  name: string | null;
  password: string;
  /** The operator vouches for the address; otherwise its owner gets the letter that proves it. */
  isVerified: boolean;
}

export interface AccountState {
  user: User;
  liveSessions: number;
  lastUsedAt: Date | null;
  /** Seconds for which nobody may try a password at the address; null where anybody may. */
  loginBlockedFor: number | null;
}

/**
 * What an operator does to accounts. The same steps as the flows take on behalf of an owner, each in one transaction with
 * its security event, which has no client: so it was an operator.
 */
@Injectable()
export class AccountAdministration {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly revocation: RevocationService,
    private readonly newPasswords: NewPasswords,
    private readonly failures: LoginFailures,
    private readonly oneTimeTokens: OneTimeTokens,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  list(filter: UserFilter): Promise<User[]> {
    return this.users.list(filter);
  }

  /**
   * @param who an id or an email address
   * @throws UsageError for what is neither, CliError where there is no such account
   */
  async find(who: string): Promise<User> {
    const email = normalizeEmail(who);
    if (email === undefined && !isId(who))
      throw new UsageError(`error: 'user' must be the id or the email address of an account`);
    const user = await (email === undefined ? this.users.findById(who) : this.users.findByEmail(email));
    if (!user) throw new CliError('there is no such account');
    return user;
  }

  async stateOf(user: User): Promise<AccountState> {
    const live = await this.sessions.listLive(user.id);
    const id = failuresOfAddress(user.email);
    const blocks = await this.failures.blocksOf([id]);
    return {
      user,
      liveSessions: live.length,
      lastUsedAt: live[0]?.lastUsedAt ?? null,
      loginBlockedFor: blocks.refusalOf(id)?.retryAfter ?? null,
    };
  }

  /** @throws AppError `validation_failed` for a password that breaks the policy, CliError where the address is taken */
  async create({ email, name, password, isVerified }: AccountToCreate): Promise<User> {
    const passwordHash = await this.newPasswords.hash(password, { email, name }, 'password');
    const isProven = isVerified || !this.config.accounts.isVerificationRequired;
    return this.transactions.run(async (tx) => {
      const user = await this.users.tryCreate({ email, name, passwordHash, isVerified: isProven }, tx);
      if (!user) throw new CliError('an account with this email address exists already');
      if (isProven) await this.failures.clear([failuresOfAddress(email)], tx);
      else await this.mail.enqueue('verify-email', user.id, {}, tx);
      await this.audit.record('account.created', { userId: user.id }, tx);
      return user;
    });
  }

  /** Closes the account and ends its sessions, everywhere at once. Returns how many, or undefined where it was closed. */
  disable({ id }: User): Promise<number | undefined> {
    return this.transactions.run(async (tx) => {
      // First of all: a login that comes in between waits for this row and then finds the account closed.
      if (!(await this.users.setActive(id, false, tx))) return undefined;
      const ended = await this.revocation.revokeAll(id, undefined, tx);
      await this.audit.record('account.disabled', { userId: id }, tx);
      return ended;
    });
  }

  /** Returns false where it was open already. */
  enable({ id }: User): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const isChanged = await this.users.setActive(id, true, tx);
      if (isChanged) await this.audit.record('account.enabled', { userId: id }, tx);
      return isChanged;
    });
  }

  /**
   * Sets a password, and ends what may be somebody else's: sessions, mailed links, a pending change of address. Returns
   * how many sessions ended.
   *
   * @throws AppError `validation_failed`
   */
  async setPassword(user: User, password: string): Promise<number> {
    const passwordHash = await this.newPasswords.hash(password, user, 'password');
    return this.transactions.run(async (tx) => {
      await this.users.setPassword(user.id, passwordHash, tx);
      await this.failures.clear(countsOf(user), tx);
      await this.oneTimeTokens.voidAll(user.id, tx);
      const ended = await this.revocation.revokeAll(user.id, undefined, tx);
      await this.audit.record('password.set', { userId: user.id }, tx);
      return ended;
    });
  }

  /** Vouches for the address. Returns false where it was proven already. */
  verify({ id, email }: User): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      if (!(await this.users.markVerified(id, email, tx))) return false;
      await this.failures.clear([failuresOfAddress(email)], tx);
      await this.audit.record('email.vouched_for', { userId: id }, tx);
      return true;
    });
  }

  /** Deletes the account with everything of it; only its security events stay, without addresses and devices. */
  delete(user: User): Promise<void> {
    return this.transactions.run((tx) => this.remove(user, tx));
  }

  private async remove(user: User, tx: EntityManager): Promise<void> {
    const { id } = user;
    // Holds the account: no login opens a session between the end of the others and the end of the account.
    await this.users.lockPassword(id, tx);
    await this.revocation.revokeAll(id, undefined, tx);
    await this.audit.record('account.deleted', { userId: id }, tx);
    await this.audit.anonymise(id, tx);
    await this.mail.forget(id, tx);
    await this.failures.clear(countsOf(user), tx);
    await this.users.remove(id, tx);
  }
}

function countsOf({ id, email }: User): Buffer[] {
  return [failuresOfAddress(email), failuresOfConfirmation(id)];
}
