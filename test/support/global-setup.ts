import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded-postgres';
import { migrateUp } from '../../src/schema/migrate';
import { databaseConfig, TEMPLATE } from './database';

declare global {
  var embeddedPostgres: (EmbeddedPostgres & { dataDir: string }) | undefined;
}

/** One PostgreSQL for the whole run, and in it a migrated template that each test file clones. */
export default async function globalSetup(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  const postgres = await startEmbeddedPostgres({
    dataDir: join(dataDir, 'postgres'),
    database: TEMPLATE,
    durable: false,
    maxConnections: 300,
  });
  globalThis.embeddedPostgres = { ...postgres, dataDir };
  process.env.TEST_POSTGRES_URL = postgres.url;
  await migrateUp(databaseConfig(postgres.url));
  // TypeORM collects entities on the global object. Where Jest runs its tests in this process, it hands each file what
  // stands there: one collection for all of them, in which every file's classes would come on top and stay in memory.
  delete (globalThis as { typeormMetadataArgsStorage?: unknown }).typeormMetadataArgsStorage;
}
