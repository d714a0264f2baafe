import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import { Transactions } from '../../database/transactions';
import { Jobs, type ParkedJob } from '../../jobs/jobs.service';
import type { LetterJob } from '../../mail/letter-job';

export type ParkedLetter = ParkedJob & { data: LetterJob };

/** What an operator does to letters that were given up. */
@Injectable()
export class LetterAdministration {
  constructor(
    private readonly jobs: Jobs,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** The oldest first. */
  parked(limit: number): Promise<ParkedLetter[]> {
    return this.jobs.parked('mail', limit) as Promise<ParkedLetter[]>;
  }

  /** Puts parked letters back into the queue: the servers send them. Returns how many. */
  retry(letterId?: string): Promise<number> {
    return this.transactions.run(async (tx) => {
      const letters = await this.jobs.retryParked<LetterJob>('mail', letterId, tx);
      const userId = letterId === undefined ? null : (letters[0]?.userId ?? null);
      if (letters.length > 0) await this.audit.record('mail.retried', { userId }, tx);
      return letters.length;
    });
  }
}
