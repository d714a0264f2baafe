import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { DataSource } from 'typeorm';
import { migrations } from '../../database/migrations';

const TIMEOUT_MS = 1_500;
/** Probes of many kinds ask often; one answer serves them all for this long. */
const FRESH_MS = 1_000;

@Injectable()
export class DatabaseHealth {
  private readonly expected = migrations().map(({ name }) => name);

  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly dataSource: DataSource,
  ) {}

  database() {
    return this.indicators
      .check('database')
      .attempt(() => this.quietly(() => this.dataSource.query('SELECT 1'), 'not reachable'))
      .withTimeout(TIMEOUT_MS)
      .cacheFor(FRESH_MS);
  }

  /** Up when the database has every migration of this build. More than that is fine: a newer replica migrated. */
  migrations() {
    return this.indicators
      .check('migrations')
      .attempt(async () => {
        // First that one, which is asked for beside this: at once they would open a second connection.
        await this.database();
        const applied = await this.quietly(
          () => this.dataSource.query<{ name: string }[]>('SELECT name FROM migrations'),
          'not readable',
        );
        const names = new Set(applied.map(({ name }) => name));
        const pending = this.expected.filter((name) => !names.has(name)).length;
        if (pending > 0) throw new Error(`${pending} pending`);
      })
      .withTimeout(TIMEOUT_MS)
      .cacheFor(FRESH_MS);
  }

  /** The health page is public: a driver's own message would name hosts and users. */
  private async quietly<T>(query: () => Promise<T>, message: string): Promise<T> {
    try {
      return await query();
    } catch {
      throw new Error(message);
    }
  }
}
