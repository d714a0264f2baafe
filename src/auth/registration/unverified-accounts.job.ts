import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import { Clock } from '../../common/clock';
import { Config } from '../../config/config';
import { doNotWaitForTheDisk } from '../../database/batches';
import { together } from '../../database/together';
import { Transactions } from '../../database/transactions';
import { Jobs } from '../../jobs/jobs.service';
import { UnverifiedAccountsService, type UnverifiedAccount } from '../../users/unverified-accounts.service';

const KEPT_MS = 7 * 24 * 3_600_000;

/** Removes accounts that nobody verified within 7 days: an unproven claim must not hold an address for ever. */
@Injectable()
export class UnverifiedAccountsJob implements OnModuleInit {
  constructor(
    private readonly accounts: UnverifiedAccountsService,
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
    let after: Date | undefined;
    for (;;) {
      const next = await this.accounts.next(createdBefore, after);
      if (!next) return;
      // What cannot go keeps nobody else.
      if (!(await this.remove(next))) after = next.createdAt;
    }
  }

  /**
   * One at a time, for much goes with each: whoever signs up anew with such an address waits until it is gone. So its locks
   * are taken by one batch, after all of it has been read, and ended by the next.
   */
  private async remove({ id: userId }: UnverifiedAccount): Promise<boolean> {
    await this.audit.readAhead(userId);
    try {
      await this.transactions.run(async (tx) => {
        const [, isRemoved] = await together(
          doNotWaitForTheDisk(tx),
          this.accounts.remove(userId, tx),
          this.audit.record('account.unverified_removed', { userId }, tx),
          this.audit.anonymise(userId, tx),
        );
        if (!isRemoved) throw new StillThere();
      });
      return true;
    } catch (error) {
      if (error instanceof StillThere) return false;
      throw error;
    }
  }
}

/** Takes back what was written beside a removal that did not take place. */
class StillThere extends Error {}
