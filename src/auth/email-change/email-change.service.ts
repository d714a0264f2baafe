import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { canonicalEmail, normalizeEmail } from '../../common/validation/email-address';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { MailService, type ComposedLetter, type Letter } from '../../mail/mail.service';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { failuresOfAddress } from '../back-off/failure-ids';
import { LoginFailures } from '../back-off/login-failures';
import { CurrentPassword } from '../login/current-password';
import { PasswordVerifier } from '../login/password-verifier';
import { NoticesService } from '../notices/notices.service';
import { VerificationTokens } from '../tokens/verification-tokens';

@Injectable()
export class EmailChangeService implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly currentPassword: CurrentPassword,
    private readonly failures: LoginFailures,
    private readonly passwords: PasswordVerifier,
    private readonly tokens: VerificationTokens,
    private readonly notices: NoticesService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.mail.register('email-change', (letter) => this.compose(letter));
  }

  /**
   * Begins a change of address: a link goes to the new one, a notice to the old one, which stays until the link is used.
   * A later request replaces an earlier one.
   *
   * @throws AppError `password_incorrect` | `validation_failed` | `email_taken` unless accounts are concealed
   */
  async request(
    { userId, sessionId }: Principal,
    input: string,
    password: string,
    client: ClientInfo,
  ): Promise<void> {
    const email = normalizeEmail(input)!;
    const user = await this.currentPassword.confirm(userId, password, client);
    if (canonicalEmail(email) === user.emailCanonical)
      throw AppError.invalid('email', 'same_as_current', 'is the address of the account already');
    const owner = await this.users.findByEmail(email);
    if (owner && !this.config.accounts.isConcealed) throw new AppError('email_taken');
    await this.transactions.run(async (tx) => {
      if (!(await this.passwords.isStillRight(user, tx))) throw new AppError('password_incorrect');
      await this.users.setPendingEmail(userId, email, tx);
      await this.audit.record('email.change_requested', { userId, sessionId, client }, tx);
      // Whoever has the address is told instead; the answer, and the work, are the same.
      if (owner) await this.mail.enqueue('account-exists', owner.id, {}, tx);
      else await this.mail.enqueue('email-change', userId, {}, tx);
      await this.notices.tell('email-change-requested', user, client, { newEmail: email }, tx);
    });
  }

  /**
   * Makes the proven address the account's own. A token vouches for the address it was mailed to and no other, and only
   * while that is the change the account waits for.
   *
   * @throws AppError `link_invalid` | `link_expired`
   */
  confirm(token: string, client: ClientInfo): Promise<User> {
    return this.transactions.run(async (tx) => {
      const { userId, email, isFirst } = await this.tokens.consume(token, 'email_change', tx);
      const before = await this.users.findById(userId, tx);
      if (!before) throw new AppError('link_invalid');
      if (!isFirst && before.email === email) return before;
      if (!isFirst || !(await this.users.confirmPendingEmail(userId, email, tx)))
        throw new AppError('link_invalid');
      // Who tried that address before did not try this account.
      await this.failures.clear([failuresOfAddress(email)], tx);
      await this.tell(before, email, client, tx);
      return (await this.users.findById(userId, tx))!;
    });
  }

  private async tell(before: User, email: string, client: ClientInfo, tx: EntityManager): Promise<void> {
    await this.audit.record('email.changed', { userId: before.id, client }, tx);
    await this.notices.tell('email-changed', before, client, { newEmail: email }, tx);
  }

  /** Nothing is sent for a change that was given up or replaced by another one in the meantime. */
  private async compose({ id, userId }: Letter): Promise<ComposedLetter | null> {
    const user = await this.users.findById(userId);
    if (!user?.pendingEmail) return null;
    const token = await this.tokens.issue(userId, user.pendingEmail, 'email_change', id);
    const link = `${this.config.links.confirmEmail}#token=${token}`;
    return { to: user.pendingEmail, variables: { name: user.name ?? '', link, expiresIn: '24 hours' } };
  }
}
