import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import type { ClientInfo } from '../../common/http/client-info';
import { Config } from '../../config/config';
import { Transactions } from '../../database/transactions';
import { describe } from '../../jobs/job';
import { Throttle } from '../../common/throttle';
import { MailService, type ComposedLetter, type Letter } from '../../mail/mail.service';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { ResetTokens } from '../tokens/reset-tokens';
import { BreachCheck } from './breach-check';

/** Look-ups under way at a time; logins beyond that are not looked up. */
const MOST_UNDER_WAY = 20;

/**
 * Tells owners whose password has turned up in a data breach since they chose it, when they log in: by letter, once for
 * a password. Nobody is refused. The look-up runs beside the answer and in memory alone, for the password must not be
 * stored: one that a crash ends, or that is skipped, is made up for at the next login.
 */
@Injectable()
export class BreachWatch implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(BreachWatch.name);
  private readonly throttle = new Throttle();
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly check: BreachCheck,
    private readonly users: UsersService,
    private readonly resetTokens: ResetTokens,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.mail.register('password-breached', (letter) => this.compose(letter));
  }

  /** Returns at once and never throws. @param password the right one of this user */
  afterLogin(user: User, password: string, client: ClientInfo): void {
    if (!this.check.isEnabled || user.breachToldAt) return;
    if (this.underWay.size >= MOST_UNDER_WAY) return void this.check.skip();
    const lookUp = this.lookUp(user, password, client)
      .catch((error: unknown) => this.warn(error))
      .finally(() => this.underWay.delete(lookUp));
    this.underWay.add(lookUp);
  }

  /** While the database can still be reached: what is under way takes a second or so. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async lookUp(user: User, password: string, client: ClientInfo): Promise<void> {
    if (!(await this.check.isBreached(password))) return;
    await this.transactions.run(async (tx) => {
      if (!(await this.users.markBreachTold(user, tx))) return;
      await this.audit.record('password.breach_found', { userId: user.id, client }, tx);
      await this.mail.enqueue('password-breached', user.id, {}, tx);
    });
  }

  /** Nobody wants the letter any more who has changed the password meanwhile. */
  private async compose({ id, userId }: Letter): Promise<ComposedLetter | null> {
    const user = await this.users.findById(userId);
    if (!user?.isActive || !user.breachToldAt) return null;
    const token = await this.resetTokens.issue(userId, id);
    // The queue tries again until the hour is over.
    if (!token) throw new Error('enough letters with links were sent within the hour');
    const link = `${this.config.links.resetPassword}#token=${token}`;
    return { to: user.email, variables: { name: user.name ?? '', link, expiresIn: '1 hour' } };
  }

  private warn(error: unknown): void {
    const suppressed = this.throttle.pass('failed');
    if (suppressed === undefined) return;
    const msg = 'an owner could not be told of a breached password and will be at the next login';
    this.logger.warn({ event: 'password.breach_not_told', ...describe(error), suppressed, msg });
  }
}
