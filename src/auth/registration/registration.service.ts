import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { normalizeEmail } from '../../common/validation/email-address';
import { Config } from '../../config/config';
import { together } from '../../database/together';
import { Transactions } from '../../database/transactions';
import { MailService, type ComposedLetter, type Letter } from '../../mail/mail.service';
import type { User } from '../../users/user.entity';
import { UsersService, type NewUser } from '../../users/users.service';
import { failuresOfAddress } from '../back-off/failure-ids';
import { LoginFailures } from '../back-off/login-failures';
import { LoginService, type TokenLogin } from '../login/login.service';
import { NewPasswords } from '../passwords/new-passwords';

export interface NewAccount {
  email: string;
  password: string;
  name?: string | null;
}

@Injectable()
export class RegistrationService implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly newPasswords: NewPasswords,
    private readonly loginService: LoginService,
    private readonly failures: LoginFailures,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.mail.register('account-exists', (letter) => this.composeAccountExists(letter));
  }

  /**
   * Creates an account and promises the letter that verifies its address: both are committed or neither. Where accounts
   * are concealed, a taken address is answered like a free one, and its owner gets a letter instead.
   *
   * @throws AppError `validation_failed` | `email_taken` | `overloaded`
   */
  async register(account: NewAccount, client: ClientInfo): Promise<User> {
    const newUser = await this.prepare(account, { isVerified: false });
    return this.transactions.run(async (tx) => {
      const user = await this.users.tryCreate(newUser, tx);
      if (!user) return this.answerTaken(newUser, client, tx);
      await together(
        this.audit.record('account.registered', { userId: user.id, client }, tx),
        this.mail.enqueue('verify-email', user.id, {}, tx),
      );
      return user;
    });
  }

  /** Creates an account whose address counts as verified, and logs it in. */
  async registerVerified(account: NewAccount, client: ClientInfo): Promise<TokenLogin> {
    const newUser = await this.prepare(account, { isVerified: true });
    return this.transactions.run(async (tx) => {
      const user = await this.users.tryCreate(newUser, tx);
      if (!user) throw new AppError('email_taken');
      const [login] = await together(
        this.loginService.loginNew(user, client, tx),
        this.audit.record('account.registered', { userId: user.id, client }, tx),
        // Strangers may have tried the address before there was an account: its owner starts free.
        this.failures.clear([failuresOfAddress(user.email)], tx),
      );
      return login;
    });
  }

  /** What takes long is done before the transaction, and for taken addresses too. */
  private async prepare(
    { email: input, password, name: given }: NewAccount,
    { isVerified }: { isVerified: boolean },
  ): Promise<NewUser> {
    const email = normalizeEmail(input)!;
    const name = given?.trim() || null;
    return {
      email,
      name,
      isVerified,
      passwordHash: await this.newPasswords.hash(password, { email, name }, 'password'),
    };
  }

  /** Where accounts are concealed, the steps are those of a free address: neither answer nor time tells the difference. */
  private async answerTaken(newUser: NewUser, client: ClientInfo, tx: EntityManager): Promise<User> {
    const owner = this.config.accounts.isConcealed ? await this.users.findByEmail(newUser.email, tx) : null;
    if (!owner) throw new AppError('email_taken');
    await together(
      this.audit.record('account.concealed', { userId: owner.id, client }, tx),
      this.mail.enqueue('account-exists', owner.id, {}, tx),
    );
    return this.users.build(newUser);
  }

  private async composeAccountExists({ userId }: Letter): Promise<ComposedLetter | null> {
    const owner = await this.users.findById(userId);
    return owner && { to: owner.email, variables: { name: owner.name ?? '' } };
  }
}
