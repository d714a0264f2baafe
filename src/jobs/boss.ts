import { PgBoss, type ConnectionOptions, type ConstructorOptions } from 'pg-boss';
import type { DataSource, EntityManager } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver';
import type { Pool, PoolClient } from 'pg';

type Database = NonNullable<ConnectionOptions['db']>;

/** Where pg-boss keeps its tables in the database, apart from those of the service. */
export const SCHEMA = 'pgboss';

/** The job queue of a serving process: on the pool that TypeORM opened, and without a right to change the schema. */
export function createBoss(dataSource: DataSource): PgBoss {
  return new PgBoss({ ...options, db: onPool(dataSource), migrate: false, createSchema: false });
}

/** The job queue of the migration step, on connections of its own. Call `stop` when done. */
export function createInstallingBoss(connectionString: string): PgBoss {
  return new PgBoss({
    schema: SCHEMA,
    connectionString,
    max: 2,
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

/** TypeORM's own `query` changes the shape of results, so statements go straight to the pool below it. */
function onPool(dataSource: DataSource): Database {
  return { executeSql: (text, values) => pool(dataSource).query(text, values) };
}

function pool(dataSource: DataSource): Pool {
  return (dataSource.driver as PostgresDriver).master as Pool;
}

/** The connection on which the caller's transaction is open. */
export function onTransaction(tx: EntityManager): Database {
  const { queryRunner } = tx;
  if (!queryRunner?.isTransactionActive) throw new Error('A job is enqueued in the transaction of its cause');
  return {
    executeSql: async (text, values) => ((await queryRunner.connect()) as PoolClient).query(text, values),
  };
}

export function queryOn(dataSource: DataSource) {
  return <Row extends object>(text: string, values: unknown[]) => pool(dataSource).query<Row>(text, values);
}
