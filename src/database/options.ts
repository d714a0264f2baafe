import type { DataSourceOptions } from 'typeorm';
import type { DatabaseConfig } from '../config/config';
import { GatheringClient } from './gathering-client';
import { StatementNames } from './statement-names';

/** A statement that takes longer is cut: a slow database must answer 503 soon, not hang its callers. */
export const STATEMENT_TIMEOUT_MS = 5_000;
/** A row held by somebody else for longer is given up. */
export const LOCK_TIMEOUT_MS = 2_000;
/** Connecting, or waiting for a free connection of the pool. */
export const ACQUIRE_TIMEOUT_MS = 2_000;
const IDLE_TIMEOUT_MS = 30_000;

/** TypeORM options for serving requests. Never `synchronize`: the schema changes by migrations only. */
export function dataSourceOptions(database: DatabaseConfig): DataSourceOptions {
  return {
    type: 'postgres',
    url: database.url,
    installExtensions: false,
    synchronize: false,
    poolSize: database.poolMax,
    applicationName: 'gatehouse',
    extra: {
      Client: GatheringClient,
      connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      // Cut by the client too: behind a dead network the server's own time-out is never heard.
      patience: STATEMENT_TIMEOUT_MS + 1_000,
      keepAlive: true,
      ...(database.isPooled ? {} : { ...sessionTimeouts, statementNames: new StatementNames() }),
    },
  };
}

/** Sent when a connection opens. PgBouncer refuses start-up parameters, so `Transactions` sends them there. */
const sessionTimeouts = {
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS * 2,
};
