import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { normalizeEmail } from '../../common/validation/email-address';
import { Transactions } from '../../database/transactions';
import { MailService } from '../../mail/mail.service';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { LoginService, type TokenLogin } from '../login/login.service';
import { NewPasswords } from '../passwords/new-passwords';

export interface NewAccount {
  email: string;
  password: string;
  name?: string | null;
}

@Injectable()
export class RegistrationService {
  constructor(
    private readonly users: UsersService,
    private readonly newPasswords: NewPasswords,
    private readonly loginService: LoginService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Creates an account and promises the letter that verifies its address: both are committed or neither.
   *
   * @throws AppError `validation_failed` | `email_taken` | `overloaded`
   */
  async register(account: NewAccount, client: ClientInfo): Promise<User> {
    return this.create(account, { isVerified: false }, client, async (user, tx) => {
      await this.mail.enqueue('verify-email', user.id, {}, tx);
      return user;
    });
  }

  /** Creates an account whose address counts as verified, and logs it in. */
  async registerVerified(account: NewAccount, client: ClientInfo): Promise<TokenLogin> {
    return this.create(account, { isVerified: true }, client, (user, tx) =>
      this.loginService.loginNew(user, client, tx),
    );
  }

  private async create<T>(
    { email: input, password, name: given }: NewAccount,
    { isVerified }: { isVerified: boolean },
    client: ClientInfo,
    andThen: (user: User, tx: EntityManager) => Promise<T>,
  ): Promise<T> {
    const email = normalizeEmail(input);
    if (!email) throw AppError.invalid('email', 'invalid_email', 'must be an email address');
    const name = given?.trim() || null;
    const passwordHash = await this.newPasswords.hash(password, { email, name }, 'password');
    return this.transactions.run(async (tx) => {
      const user = await this.users.create({ email, name, passwordHash, isVerified }, tx);
      await this.audit.record('account.registered', { userId: user.id, client }, tx);
      return andThen(user, tx);
    });
  }
}
