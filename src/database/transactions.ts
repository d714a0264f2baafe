import { Injectable } from '@nestjs/common';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';
import { isConnectionLost } from '../common/errors/outage';
import { Config } from '../config/config';
import { LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from './options';
import { TENANT_ROLE, USER_ID_SETTING } from './own-rows';
import { isOutOfDate } from './statement-names';
import { together } from './together';

const CONFLICTS = new Set(['40001' /* serialization_failure */, '40P01' /* deadlock_detected */]);
const MAX_TRIES = 4;

/** Opens transactions. A flow's service opens one and hands `tx` to everything that belongs together. */
@Injectable()
export class Transactions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {}

  /**
   * Runs `work` in one transaction: all of it is committed or nothing is. Deadlocks and serialisation failures are
   * tried again up to three times, and so is a connection lost before COMMIT was sent, once; so `work` must have no
   * effect outside the database.
   */
  async run<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.runWith(this.timeouts(), work);
  }

  /** Runs what is one statement: by itself, unless its time-outs have to travel with a transaction. */
  async runOne<T>(statement: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.config.database.isPooled ? this.run(statement) : statement(this.dataSource.manager);
  }

  /**
   * Runs `work` in one transaction as one user, for tables of users' own rows: of those there are none but this user's
   * for any statement of `work`, and other tables are out of reach. PostgreSQL sees to it (row-level security), under a
   * role that cannot pass by its policies; both end with the transaction, so that the connection carries nothing over
   * to its next user.
   */
  async runAs<T>(userId: string, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.runWith({ ...this.timeouts(), role: TENANT_ROLE, [USER_ID_SETTING]: userId }, work);
  }

  private async runWith<T>(
    settings: Record<string, string>,
    work: (tx: EntityManager) => Promise<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      let isWorkDone = false;
      try {
        return await this.dataSource.transaction(async (tx) => {
          const [, result] = await together(setLocally(settings, tx), work(tx));
          isWorkDone = true;
          return result;
        });
      } catch (error) {
        // A COMMIT whose answer is lost may have taken place.
        const mayTryAgain = isConnectionLost(error)
          ? tries === 1 && !isWorkDone
          : isConflict(error) || isOutOfDate(error);
        if (tries === MAX_TRIES || !mayTryAgain) throw error;
      }
    }
  }

  /** Behind a transaction pooler the time-outs cannot travel with the connection, so they travel with the transaction. */
  private timeouts(): Record<string, string> {
    if (!this.config.database.isPooled) return {};
    return { statement_timeout: String(STATEMENT_TIMEOUT_MS), lock_timeout: String(LOCK_TIMEOUT_MS) };
  }
}

/** For this transaction only, all in one statement. */
async function setLocally(settings: Record<string, string>, tx: EntityManager): Promise<void> {
  const entries = Object.entries(settings);
  if (entries.length === 0) return;
  const calls = entries.map((_, at) => `set_config($${2 * at + 1}, $${2 * at + 2}, true)`);
  await tx.query(`SELECT ${calls.join(', ')}`, entries.flat());
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof QueryFailedError && CONFLICTS.has((error.driverError as { code?: string }).code ?? '')
  );
}
