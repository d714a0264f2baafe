import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { normalizeEmail } from '../../common/validation/email-address';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { MailService, type ComposedLetter, type Letter } from '../../mail/mail.service';
import { RevocationService } from '../../sessions/revocation.service';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { failuresOfAddress, failuresOfConfirmation } from '../back-off/failure-ids';
import { LoginFailures } from '../back-off/login-failures';
import { NoticesService } from '../notices/notices.service';
import { NewPasswords } from '../passwords/new-passwords';
import { OneTimeTokens } from '../tokens/one-time-tokens';
import { ResetTokens } from '../tokens/reset-tokens';

@Injectable()
export class PasswordResetService implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly resetTokens: ResetTokens,
    private readonly oneTimeTokens: OneTimeTokens,
    private readonly newPasswords: NewPasswords,
    private readonly failures: LoginFailures,
    private readonly revocation: RevocationService,
    private readonly notices: NoticesService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.mail.register('reset-password', (letter) => this.compose(letter));
  }

  /** Mails a link if there is an active account, and changes nothing. The work is the same if there is none. */
  async request(input: string, client: ClientInfo): Promise<void> {
    const email = normalizeEmail(input);
    const user = email === undefined ? null : await this.users.findByEmail(email);
    const receiver = user?.isActive ? user : null;
    await this.transactions.run(async (tx) => {
      await this.audit.record('password.reset_requested', { userId: receiver?.id ?? null, client }, tx);
      if (receiver) await this.mail.enqueue('reset-password', receiver.id, {}, tx);
      else await this.mail.enqueueNothing(tx);
    });
  }

  /**
   * Sets a new password by a mailed token. Whoever reads the mailbox is the owner from now on: every session, every
   * other link and a pending change of address end, the address counts as verified, and no wrong password of the past
   * holds anybody back.
   *
   * @returns whose it is
   * @throws AppError `link_invalid` | `link_expired` | `validation_failed`, which leaves the token as it was
   */
  async confirm(token: string, password: string, client: ClientInfo): Promise<string> {
    const holder = await this.resetTokens.peek(token);
    if (typeof holder !== 'string') throw new AppError(holder.refusal);
    const user = await this.users.findById(holder);
    if (!user?.isActive) throw new AppError('link_invalid');
    const passwordHash = await this.newPasswords.hash(password, user, 'password');
    await this.transactions.run((tx) => this.set(user, token, passwordHash, client, tx));
    return user.id;
  }

  private async set(user: User, token: string, passwordHash: string, client: ClientInfo, tx: EntityManager) {
    if (!(await this.resetTokens.consume(token, tx))) throw new AppError('link_invalid');
    await this.users.setPassword(user.id, passwordHash, tx);
    await this.users.markVerified(user.id, user.email, tx);
    await this.failures.clear([failuresOfAddress(user.email), failuresOfConfirmation(user.id)], tx);
    await this.oneTimeTokens.voidAll(user.id, tx);
    await this.revocation.revokeAll(user.id, client, tx);
    await this.audit.record('password.reset', { userId: user.id, client }, tx);
    await this.notices.tell('password-reset', user, client, {}, tx);
  }

  private async compose({ id, userId }: Letter): Promise<ComposedLetter | null> {
    const user = await this.users.findById(userId);
    const token = user?.isActive ? await this.resetTokens.issue(userId, id) : undefined;
    if (!user || !token) return null;
    const link = `${this.config.links.resetPassword}#token=${token}`;
    return { to: user.email, variables: { name: user.name ?? '', link, expiresIn: '1 hour' } };
  }
}
