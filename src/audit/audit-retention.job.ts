import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Config } from '../config/config';
import { Jobs } from '../jobs/jobs.service';
import { AuditMonths } from './audit-months';

const DAY = 24 * 3_600_000;
const MONTHS_AHEAD = 3;
/** The database refuses to drop what ended less than 30 days ago; a day more for its clock. */
const SHORTEST_MS = 31 * DAY;

/** Makes the partitions of the months to come and drops those wholly older than the retention. */
@Injectable()
export class AuditRetentionJob implements OnModuleInit {
  private readonly logger = new Logger(AuditRetentionJob.name);

  constructor(
    private readonly months: AuditMonths,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.jobs.work('keep-audit-months', () => this.run());
    this.jobs.schedule('keep-audit-months', '23 2 * * *');
  }

  async run(): Promise<void> {
    const retention = Math.max(this.config.operations.auditRetention, SHORTEST_MS);
    const now = this.clock.now();
    const keptSince = now.getTime() - retention;
    for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) await this.months.add(firstOfMonth(now, ahead));
    for (const month of await this.months.list()) {
      if (Date.parse(firstOfMonth(new Date(month), 1)) > keptSince) await this.months.add(month);
      else await this.drop(month);
    }
  }

  private async drop(month: string): Promise<void> {
    const links = await this.months.drop(month);
    const msg = `the audit trail of ${month.slice(0, 7)} is older than the retention and gone`;
    this.logger.log({ event: 'audit.dropped', month, links, msg });
  }
}

/** As 2026-11-01, of the month so many after the one of a moment, in UTC. */
function firstOfMonth(moment: Date, after: number): string {
  const first = Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + after, 1);
  return new Date(first).toISOString().slice(0, 10);
}
