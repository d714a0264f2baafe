import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { normalizeEmail } from '../../common/validation/email-address';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { MailService, type ComposedLetter, type Letter } from '../../mail/mail.service';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { failuresOfAddress } from '../back-off/failure-ids';
import { LoginFailures } from '../back-off/login-failures';
import { VerificationTokens, type ConsumedVerification } from '../tokens/verification-tokens';

export interface Verification {
  user: User;
  /** Whether the token was used for the first time: nothing but the answer may be had twice. */
  isFirst: boolean;
}

@Injectable()
export class VerificationService implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: VerificationTokens,
    private readonly failures: LoginFailures,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.mail.register('verify-email', (letter) => this.compose(letter));
  }

  /**
   * Proves the address of a sign-up. Any number of times with the same token: whoever clicks twice, or after a mail
   * scanner did, sees success again.
   *
   * @throws AppError `link_invalid` | `link_expired`
   */
  async verify(token: string, client: ClientInfo): Promise<Verification> {
    const { userId, isFirst } = await this.transactions.run(async (tx) => {
      const consumed = await this.tokens.consume(token, 'sign_up', tx);
      if (consumed.isFirst) await this.prove(consumed, client, tx);
      return consumed;
    });
    const user = await this.users.findById(userId);
    if (!user) throw new AppError('link_invalid');
    return { user, isFirst };
  }

  /** Sends the letter again if there is an unverified account. The work is the same if there is none. */
  async resend(input: string): Promise<void> {
    const email = normalizeEmail(input);
    const user = email === undefined ? null : await this.users.findByEmail(email);
    await this.transactions.run((tx) =>
      user && !user.emailVerifiedAt
        ? this.mail.enqueue('verify-email', user.id, {}, tx)
        : this.mail.enqueueNothing(tx),
    );
  }

  private async prove({ userId, email }: ConsumedVerification, client: ClientInfo, tx: EntityManager) {
    if (!(await this.users.markVerified(userId, email, tx))) return;
    // Strangers may have tried the address before there was an account: its owner starts free.
    await this.failures.clear([failuresOfAddress(email)], tx);
    await this.audit.record('email.verified', { userId, client }, tx);
  }

  /** Writes the letter when it is about to be sent. Nothing is sent to an account that is gone or verified by now. */
  private async compose({ id, userId }: Letter): Promise<ComposedLetter | null> {
    const user = await this.users.findById(userId);
    if (!user || user.emailVerifiedAt) return null;
    const token = await this.tokens.issue(userId, user.email, 'sign_up', id);
    return {
      to: user.email,
      variables: {
        name: user.name ?? '',
        // In the fragment: neither logs nor proxies nor mail scanners see it.
        link: `${this.config.links.verifyEmail}#token=${token}`,
        expiresIn: '24 hours',
      },
    };
  }
}
