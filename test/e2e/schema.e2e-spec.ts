import { join } from 'node:path';
import { migrations } from '../../src/database/migrations';
import { schemaDifference } from '../../src/schema/generate';
import { migrateDown, migrateUp, migrationDataSource } from '../../src/schema/migrate';
import { createDatabase, databaseConfig, type TestDatabase } from '../support/database';

const ENTITIES = [join(__dirname, '../../src/**/*.entity.ts')];

describe('schema', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase({ empty: true });
  });
  afterEach(() => database.drop());

  const tables = async () => {
    const rows = await database.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  };

  it('is what the entities say after all migrations', async () => {
    await migrateUp(databaseConfig(database.url));
    const dataSource = await migrationDataSource(databaseConfig(database.url), ENTITIES).initialize();
    expect(dataSource.entityMetadatas.length).toBeGreaterThanOrEqual(5);
    const { up } = await schemaDifference(dataSource);
    await dataSource.destroy();
    expect(up).toEqual([]);
  });

  it('goes down to nothing and up again, migration by migration', async () => {
    const config = databaseConfig(database.url);
    await migrateUp(config);
    const complete = await tables();
    for (const expected of migrations().toReversed()) expect(await migrateDown(config)).toBe(expected.name);
    expect(await migrateDown(config)).toBeUndefined();
    expect(await tables()).toEqual(['migrations']);
    await migrateUp(config);
    expect(await tables()).toEqual(complete);
  });

  it('is migrated once by replicas that start together', async () => {
    const config = databaseConfig(database.url);
    const applied = await Promise.all([migrateUp(config), migrateUp(config), migrateUp(config)]);
    expect(applied.map(({ length }) => length).sort()).toEqual([0, 0, migrations().length]);
  });

  it('has the queues as the code says, whatever was there before', async () => {
    const config = databaseConfig(database.url);
    await migrateUp(config);
    const queues = () =>
      database.query('SELECT name, retry_limit, expire_seconds FROM pgboss.queue ORDER BY name');
    const asMade = await queues();
    await database.query(`UPDATE pgboss.queue SET retry_limit = 0 WHERE name = 'purge-expired-tokens'`);
    await database.query(`UPDATE pgboss.queue SET expire_seconds = 60 WHERE name = 'purge-expired-sessions'`);
    await database.query(`SELECT pgboss.delete_queue('purge-idle-failures')`);
    expect(await queues()).not.toEqual(asMade);
    await migrateUp(config);
    expect(await queues()).toEqual(asMade);
  });

  it('refuses to change or remove what the audit trail holds', async () => {
    await migrateUp(databaseConfig(database.url));
    await database.query(
      `INSERT INTO audit_events (id, action, created_at, mac) VALUES (gen_random_uuid(), 'login.failed', now(), '')`,
    );
    for (const sql of [
      'UPDATE audit_events SET action = $$x$$',
      'UPDATE audit_events SET action = $$x$$, ip = NULL, user_agent = NULL',
      `UPDATE audit_events SET ip = '10.0.0.1'`,
      'DELETE FROM audit_events',
      'TRUNCATE audit_events',
    ])
      await expect(database.query(sql)).rejects.toThrow('append-only');
  });
});
