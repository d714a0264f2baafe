import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { DatabaseConfig } from '../../src/config/config';

export const TEMPLATE = 'gatehouse_template';

export interface TestDatabase {
  url: string;
  query<Row extends object = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

export function databaseConfig(url: string): DatabaseConfig {
  return { url, directUrl: url, isPooled: false, poolMax: 10 };
}

/** A migrated database of its own for a test file, cloned from the template in some 50 ms; `empty` has no schema. */
export async function createDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${empty ? 'template0' : TEMPLATE}`);
  const url = databaseUrl(name);
  return {
    url,
    query: (sql, values) => query(url, sql, values),
    drop: async () => {
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

function databaseUrl(name: string): string {
  const url = new URL(process.env.TEST_POSTGRES_URL!);
  url.pathname = `/${name}`;
  return url.href;
}

/** Statements about databases run in another one: a template must have no connections while it is cloned. */
function onServer(sql: string) {
  return query(databaseUrl('postgres'), sql);
}

async function query<Row extends object>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
