import { AsyncLocalStorage } from 'node:async_hooks';
import { PgBoss, type ConnectionOptions, type ConstructorOptions } from 'pg-boss';
import type { DataSource, EntityManager } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver';
import type { ClientBase, Pool, PoolClient } from 'pg';

/** Where pg-boss keeps its tables in the database, apart from those of the service. */
export const SCHEMA = 'pgboss';

/** The job queue of a serving process: on the pool that TypeORM opened, and without a right to change the schema. */
export function createBoss(dataSource: DataSource): PgBoss {
  return new PgBoss({ ...options, db: onPool(dataSource), migrate: false, createSchema: false });
}

/** The job queue of a process that promises jobs and takes none: it looks after nobody's either. */
export function createPromisingBoss(dataSource: DataSource): PgBoss {
  return new PgBoss({
    schema: SCHEMA,
    db: onPool(dataSource),
    migrate: false,
    createSchema: false,
    supervise: false,
    schedule: false,
  });
}

/** The job queue of the migration step, on its connection. Call `stop` when done. */
export function createInstallingBoss(client: ClientBase): PgBoss {
  return new PgBoss({
    schema: SCHEMA,
    db: { executeSql: (text, values) => client.query(text, values) },
    supervise: false,
    schedule: false,
    bamIntervalSeconds: 10,
  });
}

const options: ConstructorOptions = {
  schema: SCHEMA,
  // A lease that ran out is noticed by the supervisor only; both of these limit how often it looks.
  superviseIntervalSeconds: 10,
  monitorIntervalSeconds: 10,
  maintenanceIntervalSeconds: 3_600,
  cronWorkerIntervalSeconds: 30,
  // Jobs that depend on jobs are not used here.
  flowIntervalSeconds: 3_600,
  // DDL, which this process may not run.
  reindex: false,
};

/** The connection of the transaction in whose name pg-boss is being called. */
const ofCaller = new AsyncLocalStorage<PoolClient>();

/**
 * Lets pg-boss run its statements on the connection of the caller's transaction, all of them: one that waited for a
 * second connection, while others in its place do the same, would wait until the pool gives up.
 */
export async function inTransaction<T>({ queryRunner }: EntityManager, work: () => Promise<T>): Promise<T> {
  if (!queryRunner?.isTransactionActive) throw new Error('A job is enqueued in the transaction of its cause');
  return ofCaller.run((await queryRunner.connect()) as PoolClient, work);
}

/** TypeORM's own `query` changes the shape of results, so statements go straight to the pool below it. */
function onPool(dataSource: DataSource): ConnectionOptions['db'] {
  return { executeSql: (text, values) => (ofCaller.getStore() ?? poolOf(dataSource)).query(text, values) };
}

export function poolOf(dataSource: DataSource): Pool {
  return (dataSource.driver as PostgresDriver).master as Pool;
}
