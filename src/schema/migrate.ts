import type { PoolClient } from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import type { DatabaseConfig } from '../config/config';
import { StartError } from '../common/errors/start-error';
import { installJobs } from '../jobs/install';
import { dataSourceOptions } from '../database/options';
import { migrations } from '../database/migrations';
import { grantRights } from './rights';

/** Any fixed number: the name of the lock that lets one of many starting replicas migrate at a time. */
const MIGRATION_LOCK = 7_203_114_205;

const INSUFFICIENT_PRIVILEGE = '42501';

/** Somebody else has to migrate first. */
export class UnmigratedError extends StartError {}

/** A data source for changing the schema: on the direct connection, without the time-outs of requests. */
export function migrationDataSource(database: DatabaseConfig, entities: string[] = []): DataSource {
  return new DataSource({
    ...dataSourceOptions({ ...database, url: database.directUrl, isPooled: true, poolMax: 3 }),
    entities,
    migrations: migrations(),
    migrationsTransactionMode: 'each',
    extra: { connectionTimeoutMillis: 10_000 },
  } as ConstructorParameters<typeof DataSource>[0]);
}

/**
 * Brings the schema up to date. Replicas that start together wait for one another and then find nothing to do.
 * Returns the names of the migrations that were applied.
 */
export async function migrateUp(database: DatabaseConfig): Promise<string[]> {
  return withMigrationLock(database, async (dataSource, lock) => {
    const applied = (await isMigrated(dataSource, lock)) ? [] : await dataSource.runMigrations();
    // On the connection that holds the lock: each further one would be a handshake more before the start is done.
    await installJobs((await lock.connect()) as PoolClient);
    await grantRights(lock.manager);
    return applied.map(({ name }) => name);
  });
}

/**
 * The same for a process that is about to serve. Its role need not have the right, where another one migrates.
 *
 * @throws UnmigratedError where that has not happened yet
 */
export async function migrateAtStart(database: DatabaseConfig): Promise<void> {
  try {
    await migrateUp(database);
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    const { message } = error as Error;
    throw new UnmigratedError(
      `this version needs a newer schema, which its role may not make: run \`gatehouse db migrate\` as the owner (${message})`,
      { cause: error },
    );
  }
}

/** Takes the newest migration back. Returns its name, or undefined where none is left. */
export async function migrateDown(database: DatabaseConfig): Promise<string | undefined> {
  return withMigrationLock(database, async (dataSource) => {
    const applied = await dataSource.query<{ name: string }[]>(
      'SELECT name FROM migrations ORDER BY id DESC LIMIT 1',
    );
    if (applied.length === 0) return undefined;
    await dataSource.undoLastMigration();
    return applied[0]!.name;
  });
}

/** Whether every migration has been applied. TypeORM needs a twentieth of a start to find that out. */
async function isMigrated({ migrations: all }: DataSource, { manager }: QueryRunner): Promise<boolean> {
  const [table] = await manager.query<{ exists: boolean }[]>(
    `SELECT to_regclass('migrations') IS NOT NULL AS exists`,
  );
  if (!table!.exists) return false;
  const rows = await manager.query<{ name: string }[]>('SELECT name FROM migrations');
  const applied = new Set(rows.map(({ name }) => name));
  return all.every(({ name, constructor }) => applied.has(name ?? constructor.name));
}

async function withMigrationLock<T>(
  database: DatabaseConfig,
  work: (dataSource: DataSource, lock: QueryRunner) => Promise<T>,
): Promise<T> {
  const dataSource = await migrationDataSource(database).initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work(dataSource, lock);
  } finally {
    // The lock goes with its connection.
    await lock.release();
    await dataSource.destroy();
  }
}
