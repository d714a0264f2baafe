import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '../../common/clock';
import { deleteInBatches } from '../../database/batches';
import { Jobs } from '../../jobs/jobs.service';
import { SUSPICIOUS_FAILURES } from './schedule';

const DAY_MS = 24 * 3_600_000;
/** What many guesses at one address each leave, and what one guess at many addresses each leaves. */
const MANY_KEPT_MS = 365 * DAY_MS;
const FEW_KEPT_MS = 30 * DAY_MS;

/**
 * Forgets wrong passwords after a month without a further one, or after a year where there were many; never a block
 * that only a reset ends. Runs on one replica at a time.
 */
@Injectable()
export class IdleFailuresJob implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.work('purge-idle-failures', () => this.run());
    this.jobs.schedule('purge-idle-failures', '23 * * * *');
  }

  async run(): Promise<void> {
    const now = this.clock.now().getTime();
    await this.forget(new Date(now - MANY_KEPT_MS), 'true');
    await this.forget(new Date(now - FEW_KEPT_MS), `consecutive < ${SUSPICIOUS_FAILURES}`);
  }

  private async forget(before: Date, condition: string): Promise<void> {
    const blockEnds = `(blocked_until IS NULL OR blocked_until < 'infinity')`;
    const forgettable = `${condition} AND ${blockEnds}`;
    await deleteInBatches(this.dataSource, 'login_failures', 'last_failed_at', before, forgettable);
  }
}
