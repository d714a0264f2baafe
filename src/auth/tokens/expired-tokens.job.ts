import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '../../common/clock';
import { deleteInBatches } from '../../database/batches';
import { Jobs } from '../../jobs/jobs.service';

/** Late clicks are told that the link has expired, for a day; after that it is unknown. */
const KEPT_MS = 24 * 3_600_000;

/** Deletes one-time tokens that ran out a day ago, used or not. Runs on one replica at a time. */
@Injectable()
export class ExpiredTokensJob implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.work('purge-expired-tokens', () => this.run());
    this.jobs.schedule('purge-expired-tokens', '*/10 * * * *');
  }

  async run(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - KEPT_MS);
    await deleteInBatches(this.dataSource, 'verification_tokens', 'expires_at', before);
    await deleteInBatches(this.dataSource, 'reset_tokens', 'expires_at', before);
    await deleteInBatches(this.dataSource, 'security_notices', 'expires_at', before);
  }
}
