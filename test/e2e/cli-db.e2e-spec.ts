import { migrations } from '../../src/database/migrations';
import { BEYOND_ENTITIES } from '../../src/schema/beyond-entities';
import type { SchemaReport } from '../../src/schema/check';
import { EXIT } from '../../src/cli/exit-codes';
import { cliOf } from '../support/cli';
import { createDatabase, type TestDatabase } from '../support/database';

jest.setTimeout(120_000);

type Report = SchemaReport & { ok: boolean };

describe('gatehouse db', () => {
  let database: TestDatabase;
  let cli: ReturnType<typeof cliOf>;
  const names = migrations().map(({ name }) => name);

  beforeEach(async () => {
    database = await createDatabase();
    cli = cliOf(database.url);
  });
  afterEach(() => database.drop());

  const check = async () => {
    const { code, stdout } = await cli.run(['db', 'check', '--json']);
    const report = JSON.parse(stdout) as Report;
    return {
      code,
      report,
      problems: report.problems.map(({ kind, table, name }) => `${kind} ${table}.${name}`),
    };
  };

  it('check finds a migrated database in order, and counts its rows', async () => {
    await database.query(
      `INSERT INTO users (id, email, email_canonical, password_hash, created_at, updated_at)
       SELECT gen_random_uuid(), n || '@example.org', n || '@example.org', '!', now(), now() FROM generate_series(1, 7) AS n`,
    );
    const { code, report } = await check();
    expect([code, report.ok, report.problems]).toEqual([EXIT.ok, true, []]);
    expect(report.migrations).toEqual({ applied: names.length, pending: [], unknown: [] });
    expect(report.tables).toContainEqual({ table: 'users', rows: 7, isEstimate: false });
    expect(report.tables.map(({ table }) => table)).toEqual(
      expect.arrayContaining(['audit_events', 'sessions', 'reset_tokens', 'verification_tokens']),
    );
    const { stdout } = await cli.run(['db', 'check']);
    expect(stdout).toMatch(/^users +7$/m);
    expect(stdout).toContain(`The database is as this version needs it: ${names.length} migrations applied.`);
  });

  it('check knows every table and trigger that migrations make: those of no entity stand in src/schema/beyond-entities.ts', async () => {
    const tables = await database.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
       WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`,
    );
    const { report } = await check();
    expect([...report.tables.map(({ table }) => table), 'migrations'].sort()).toEqual(
      tables.map(({ name }) => name),
    );
    const triggers = await database.query<{ table: string; name: string }>(
      `SELECT c.relname AS "table", t.tgname AS name FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
       JOIN pg_namespace AS n ON n.oid = c.relnamespace
       WHERE n.nspname = 'public' AND NOT t.tgisinternal AND NOT c.relispartition ORDER BY 1, 2`,
    );
    expect(BEYOND_ENTITIES.triggers).toEqual(triggers);
  });

  it('check lists every difference by kind, in any mixture, and ends with 3', async () => {
    for (const sql of [
      'ALTER TABLE users DROP COLUMN pending_email',
      'ALTER TABLE users ADD COLUMN shoe_size integer NOT NULL DEFAULT 40',
      'ALTER TABLE users ALTER COLUMN name TYPE varchar(90)',
      'ALTER TABLE users ALTER COLUMN updated_at DROP NOT NULL',
      'ALTER TABLE users ALTER COLUMN is_active SET DEFAULT false',
      'DROP INDEX ux_users_email_canonical',
      'CREATE INDEX ix_users_by_hand ON users (name)',
      'DROP INDEX ix_users_unverified',
      'CREATE INDEX ix_users_unverified ON users (created_at)',
      'DROP INDEX ix_sessions_user',
      'CREATE INDEX ix_sessions_user ON sessions (created_at, user_id)',
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_reset_tokens_expires'::regclass`,
      'ALTER TABLE sessions DROP CONSTRAINT fk_sessions_user',
      'ALTER TABLE sessions ADD CONSTRAINT fk_sessions_user FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID',
      'ALTER TABLE reset_tokens DROP CONSTRAINT fk_reset_tokens_user',
      `ALTER TABLE users ADD CONSTRAINT ck_users_by_hand CHECK (email <> '')`,
      'DROP TABLE security_notices',
      'ALTER TABLE audit_links ALTER COLUMN hash DROP NOT NULL',
      'DROP TRIGGER tr_audit_events_kept ON audit_events',
      'ALTER TABLE audit_events DISABLE TRIGGER tr_audit_events_unchanged',
      `DELETE FROM pgboss.queue WHERE name = 'purge-expired-tokens'`,
      `DELETE FROM migrations WHERE name = '${names.at(-1)}'`,
      `INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'OfTomorrow9999999999999')`,
      // Not ours: somebody else's table in the same schema.
      'CREATE TABLE invoices (id integer)',
    ])
      await database.query(sql);

    const { code, report, problems } = await check();
    expect([code, report.ok]).toEqual([EXIT.problems, false]);
    expect(problems.sort()).toEqual(
      [
        'missing_column users.pending_email',
        'extra_column users.shoe_size',
        'changed_column users.name',
        'changed_column users.updated_at',
        'changed_column users.is_active',
        'missing_index users.ux_users_email_canonical',
        'extra_index users.ix_users_by_hand',
        'changed_index users.ix_users_unverified',
        'changed_index sessions.ix_sessions_user',
        'invalid_index reset_tokens.ix_reset_tokens_expires',
        'changed_constraint sessions.fk_sessions_user',
        'invalid_constraint sessions.fk_sessions_user',
        'missing_constraint reset_tokens.fk_reset_tokens_user',
        'extra_constraint users.ck_users_by_hand',
        'missing_table security_notices.security_notices',
        'changed_column audit_links.hash',
        'missing_trigger audit_events.tr_audit_events_kept',
        'disabled_trigger audit_events.tr_audit_events_unchanged',
        'job_queue null.pgboss',
        `pending_migration null.${names.at(-1)}`,
        'unknown_migration null.OfTomorrow9999999999999',
      ].sort(),
    );
    expect(report.problems).toContainEqual({
      kind: 'changed_column',
      table: 'users',
      name: 'name',
      detail: 'is character varying(90) null, should be character varying(100) null',
    });
    const { stdout } = await cli.run(['db', 'check']);
    expect(stdout).toMatch(
      /^changed_constraint +sessions +fk_sessions_user +is foreign key .+ a, should be .+ c$/m,
    );
  });

  it('check says of an older job queue that it is one', async () => {
    await database.query('UPDATE pgboss.version SET version = version - 1');
    const { problems, report } = await check();
    expect(problems).toEqual(['job_queue null.pgboss']);
    expect(report.problems[0]!.detail).toMatch(
      /^the job queue has version \d+ of its tables, this program needs \d+$/,
    );
  });

  it('check marks the rows of a large table as an estimate, those of partitions together', async () => {
    for (const [table, rows] of Object.entries({
      sessions: 1_234_567,
      audit_events_default: 150_000,
      audit_events: 150_000,
    }))
      await database.query(`UPDATE pg_class SET reltuples = $2 WHERE oid = $1::regclass`, [table, rows]);
    const { report } = await check();
    expect(report.tables).toContainEqual({ table: 'sessions', rows: 1234567, isEstimate: true });
    expect(report.tables).toContainEqual({ table: 'audit_events', rows: 150000, isEstimate: true });
    expect((await cli.run(['db', 'check'])).stdout).toMatch(/^sessions +~1234567$/m);
  });

  it('check needs no more than to read the catalog: a role without rights gets its answer', async () => {
    const role = `reader_${Date.now()}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'readonly7readonly7'`);
    try {
      const url = new URL(database.url);
      [url.username, url.password] = [role, 'readonly7readonly7'];
      const { code, stdout } = await cliOf(url.href).run(['db', 'check']);
      expect([code, stdout]).toEqual([EXIT.configuration, '']);
      await database.query(`GRANT SELECT ON migrations TO ${role}`);
      await database.query(`GRANT USAGE ON SCHEMA pgboss TO ${role}`);
      await database.query(`GRANT SELECT ON pgboss.version, pgboss.queue, pgboss.bam TO ${role}`);
      const granted = await cliOf(url.href).run(['db', 'check']);
      expect(granted).toMatchObject({ code: EXIT.ok });
      expect(granted.stdout).toMatch(/^users +unknown$/m);
    } finally {
      await database.query(`DROP OWNED BY ${role}`);
      await database.query(`DROP ROLE ${role}`);
    }
  });

  it('migrate brings an empty database to where check has nothing to say', async () => {
    const empty = await createDatabase({ empty: true });
    const here = cliOf(empty.url);
    const before = await here.run(['db', 'check', '--json']);
    expect(before.code).toBe(EXIT.problems);
    const report = JSON.parse(before.stdout) as Report;
    expect(report.migrations).toEqual({ applied: 0, pending: names, unknown: [] });
    expect(report.problems.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['pending_migration', 'missing_table', 'job_queue']),
    );

    expect(await here.run(['db', 'migrate'])).toMatchObject({
      code: 0,
      stdout: `applied: ${names.join(', ')}\n`,
    });
    expect(await here.json(['db', 'migrate'])).toEqual({ applied: [] });
    expect(await here.run(['db', 'check'])).toMatchObject({ code: EXIT.ok });
    await empty.drop();
  });
});
