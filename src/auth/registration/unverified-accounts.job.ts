import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import { Clock } from '../../common/clock';
import { Config } from '../../config/config';
import { doNotWaitForTheDisk } from '../../database/batches';
import { together } from '../../database/together';
import { Transactions } from '../../database/transactions';
import { Jobs } from '../../jobs/jobs.service';
import { UsersService } from '../../users/users.service';

const KEPT_MS = 7 * 24 * 3_600_000;

/** Removes accounts that nobody verified within 7 days: an unproven claim must not hold an address for ever. */
@Injectable()
export class UnverifiedAccountsJob implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly jobs: Jobs,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    // Where addresses need no verification, an unverified one is no sign of an abandoned account.
    if (!this.config.accounts.isVerificationRequired) return;
    this.jobs.work('purge-unverified-accounts', () => this.run());
    this.jobs.schedule('purge-unverified-accounts', '17 * * * *');
  }

  async run(): Promise<void> {
    const createdBefore = new Date(this.clock.now().getTime() - KEPT_MS);
    while (await this.removeOne(createdBefore));
  }

  /** One at a time, for much goes with each: whoever signs up anew with such an address waits until it is gone. */
  private async removeOne(createdBefore: Date): Promise<boolean> {
    const next = await this.users.readUnverified(createdBefore);
    if (next === undefined) return false;
    await this.audit.readAhead(next);
    return this.transactions.run(async (tx) => {
      const [, userId] = await together(
        doNotWaitForTheDisk(tx),
        this.users.removeUnverified(createdBefore, tx),
      );
      if (userId === undefined) return false;
      await together(
        this.audit.record('account.unverified_removed', { userId }, tx),
        this.audit.anonymise(userId, tx),
      );
      return true;
    });
  }
}
