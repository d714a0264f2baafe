import { Injectable } from '@nestjs/common';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';
import { isConnectionLost } from '../common/errors/outage';
import { Config } from '../config/config';
import { LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from './options';

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
    for (let tries = 1; ; tries++) {
      let isWorkDone = false;
      try {
        return await this.dataSource.transaction(async (tx) => {
          await this.boundWaiting(tx);
          const result = await work(tx);
          isWorkDone = true;
          return result;
        });
      } catch (error) {
        // A COMMIT whose answer is lost may have taken place.
        const mayTryAgain = isConnectionLost(error) ? tries === 1 && !isWorkDone : isConflict(error);
        if (tries === MAX_TRIES || !mayTryAgain) throw error;
      }
    }
  }

  /** Behind a transaction pooler the time-outs cannot travel with the connection, so they travel with the transaction. */
  private async boundWaiting(tx: EntityManager): Promise<void> {
    if (!this.config.database.isPooled) return;
    await tx.query(
      `SELECT set_config('statement_timeout', '${STATEMENT_TIMEOUT_MS}', true), set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true)`,
    );
  }
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof QueryFailedError && CONFLICTS.has((error.driverError as { code?: string }).code ?? '')
  );
}
