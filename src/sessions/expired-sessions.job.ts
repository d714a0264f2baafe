import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '../common/clock';
import { deleteWalking } from '../database/batches';
import { Jobs } from '../jobs/jobs.service';

/** Ended sessions are kept for a while, so that a support question has an answer. */
const KEPT_MS = 24 * 3_600_000;

/**
 * Deletes sessions that ran out or were ended a day ago. Runs on one replica at a time, and once a day: it reads the whole
 * table, since an index by these times would cost every refresh more than that.
 */
@Injectable()
export class ExpiredSessionsJob implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.work('purge-expired-sessions', () => this.run());
    this.jobs.schedule('purge-expired-sessions', '43 3 * * *');
  }

  async run(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - KEPT_MS);
    await deleteWalking(this.dataSource, 'sessions', 'least(expires_at, revoked_at) < $1', before);
  }
}
