import { join } from 'node:path';
import { DataSource } from 'typeorm';
import type { DatabaseConfig } from '../config/config';
import { dataSourceOptions } from '../database/options';
import { migrations } from '../database/migrations';
import { checkJobQueue } from '../jobs/check';
import { readCatalog } from './catalog';
import { differences, type SchemaProblem } from './differences';
import { expectedSchema } from './expected';
import { countRows, type RowCount } from './row-counts';
import { rowSecurityProblems } from './row-security';

/** Of every module: `.js` as built. */
export const ENTITIES = [join(__dirname, '..', '**', '*.entity.js')];

export interface SchemaReport {
  /** Empty where the database is what this version needs. */
  problems: SchemaProblem[];
  migrations: { applied: number; pending: string[]; unknown: string[] };
  tables: RowCount[];
}

/**
 * Compares a database with the entities and the migrations of this version, and changes nothing. Any role may run it
 * that may read the tables; what it may not count stays uncounted.
 *
 * @param entities globs of entity files
 */
export async function checkSchema(database: DatabaseConfig, entities: string[]): Promise<SchemaReport> {
  const dataSource = await new DataSource({
    ...dataSourceOptions({ ...database, url: database.directUrl, isPooled: false, poolMax: 2 }),
    entities,
  } as ConstructorParameters<typeof DataSource>[0]).initialize();
  try {
    return await examine(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

async function examine(dataSource: DataSource): Promise<SchemaReport> {
  const catalog = await readCatalog(dataSource);
  const expected = expectedSchema(dataSource);
  const applied = catalog.columns.some(({ table }) => table === 'migrations')
    ? await appliedMigrations(dataSource)
    : [];
  const known = migrations().map(({ name }) => name);
  const pending = known.filter((name) => !applied.includes(name));
  const unknown = applied.filter((name) => !known.includes(name));
  const tables = expected.tables.filter((table) => catalog.columns.some((column) => column.table === table));
  return {
    problems: [
      ...pending.map((name) => problem('pending_migration', name, 'has not been applied')),
      ...unknown.map((name) => problem('unknown_migration', name, 'was applied by another version')),
      ...differences(expected, catalog),
      ...(await rowSecurityProblems(dataSource)),
      ...(await checkJobQueue(dataSource)).map((detail) => problem('job_queue', 'pgboss', detail)),
    ],
    migrations: { applied: applied.length, pending, unknown },
    tables: await countRows(dataSource, tables),
  };
}

async function appliedMigrations(dataSource: DataSource): Promise<string[]> {
  const rows = await dataSource.query<{ name: string }[]>('SELECT name FROM migrations ORDER BY id');
  return rows.map(({ name }) => name);
}

function problem(kind: SchemaProblem['kind'], name: string, detail: string): SchemaProblem {
  return { kind, table: null, name, detail };
}
