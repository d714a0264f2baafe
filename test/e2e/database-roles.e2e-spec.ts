import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { migrateAtStart, migrateUp, UnmigratedError } from '../../src/schema/migrate';
import { RIGHTS, USER_OWNED } from '../../src/schema/rights';
import { loggedIn, PASSWORD } from '../support/actors';
import { TEST_SECRET, TestApp } from '../support/app';
import { cliOf } from '../support/cli';
import { createDatabase, databaseConfig, type TestDatabase } from '../support/database';
import { Server } from '../support/server';

const SCRIPT = readFileSync(join(__dirname, '../../deploy/sql/roles.sql'), 'utf8');
const ROLE_PASSWORD = 'of-the-roles-of-this-test';
const INSUFFICIENT_PRIVILEGE = '42501';

jest.setTimeout(60_000);

describe('a database with one role that migrates and another that serves', () => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    await database.query(SCRIPT);
    for (const role of ['gatehouse_owner', 'gatehouse_app'])
      await database.query(`ALTER ROLE ${role} PASSWORD '${ROLE_PASSWORD}'`);
  });
  afterAll(async () => {
    await app?.close();
    await database.drop();
  });

  const urlAs = (role: string) => {
    const url = new URL(database.url);
    [url.username, url.password] = [role, ROLE_PASSWORD];
    return url.href;
  };
  const as = async (role: string, sql: string) => {
    const client = new Client({ connectionString: urlAs(role) });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };

  it('the one that serves cannot migrate, and waits until the other has', async () => {
    await expect(migrateAtStart(databaseConfig(urlAs('gatehouse_app')))).rejects.toThrow(UnmigratedError);
    const env = {
      DATABASE_URL: urlAs('gatehouse_app'),
      JWT_SECRET: TEST_SECRET,
      SMTP_URL: 'smtp://127.0.0.1:1',
      LOG_FORMAT: 'json',
    };
    const server = await Server.launch(env);
    try {
      while (!server.output.includes('database.awaited')) await sleep(50);
      expect(server.output).toContain('run `gatehouse db migrate` as the owner');
      const statusOf = async (path: string) => (await fetch(`${server.baseUrl}${path}`)).status;
      expect([await statusOf('/health/live'), await statusOf('/health/ready')]).toEqual([200, 503]);

      const { code, stdout } = await cliOf(urlAs('gatehouse_owner')).run(['db', 'migrate']);
      expect([code, stdout]).toEqual([0, expect.stringContaining('CreateUsers')]);
      await server.ready();
      expect(await server.stop()).toBe(0);
    } finally {
      await server.stop('SIGKILL');
      rmSync(server.folder, { recursive: true, force: true });
    }
  });

  it('neither is more than it has to be', async () => {
    const rows = await database.query(
      `SELECT rolname FROM pg_roles WHERE rolname LIKE 'gatehouse\\_%'
       AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)`,
    );
    expect(rows).toEqual([]);
    const tables = await database.query(
      `SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'pgboss') AND tableowner <> 'gatehouse_owner'`,
    );
    expect(tables).toEqual([]);
  });

  it('everything a user does works as the one that serves', async () => {
    app = await TestApp.start({ database: { ...database, url: urlAs('gatehouse_app') } });
    const { id, email, token, refreshToken } = await loggedIn(app);
    expect((await app.http.put('/api/auth/profile', { name: 'Ada' }, { token })).status).toBe(200);
    const tasks = `/api/users/${id}/tasks`;
    const made = await app.http.post<{ id: string }>(tasks, { title: 'Mine' }, { token });
    expect(made.status).toBe(201);
    const changed = await app.http.put(`${tasks}/${made.body.id}`, { completed: true }, { token });
    expect(changed.body).toMatchObject({ title: 'Mine', completed: true });
    expect((await app.http.get(tasks, { token })).body).toEqual({ items: [changed.body], nextCursor: null });
    const exported = await app.http.get<{ tasks: unknown[] }>('/api/auth/export', { token });
    expect([exported.status, exported.body.tasks.length]).toEqual([200, 1]);
    const second = await app.http.post<{ id: string }>(tasks, { title: 'Too much' }, { token });
    expect((await app.http.delete(`${tasks}/${second.body.id}`, undefined, { token })).status).toBe(204);
    const wrong = await app.http.post('/api/auth/login', { email, password: `${PASSWORD}!` });
    expect(wrong.status).toBe(401);
    const refreshed = await app.http.post<Record<string, string>>('/api/auth/refresh', {
      refresh_token: refreshToken,
    });
    expect(refreshed.status).toBe(200);

    await app.http.post('/api/auth/reset-request', { email });
    const letter = await app.mailbox.waitFor(email, 2);
    const password = `${PASSWORD} anew`;
    const reset = await app.http.post('/api/auth/reset-confirm', {
      token: letter.token,
      password,
    });
    expect(reset.status).toBe(200);
    const again = await app.http.post<Record<string, string>>('/api/auth/login', { email, password });
    const logout = await app.http.post('/api/auth/logout', undefined, { token: again.body.access_token });
    expect(logout.status).toBe(200);

    const last = await app.http.post<Record<string, string>>('/api/auth/login', { email, password });
    const credentials = { token: last.body.access_token };
    expect((await app.http.get('/api/auth/activity', credentials)).status).toBe(200);
    expect((await app.http.delete('/api/auth/profile', { password }, credentials)).status).toBe(204);
    expect(await database.query('SELECT 1 FROM users WHERE email = $1', [email])).toEqual([]);
    // As the superuser, who sees all rows: nothing is left by a cascade that row-level security has hidden from.
    expect(await database.query('SELECT 1 FROM tasks')).toEqual([]);
    expect((await app.http.get('/health')).body.status).toBe('ok');
  });

  it('so do the audit trail and the checks of the command line', async () => {
    const cli = cliOf(urlAs('gatehouse_app'), { SMTP_URL: 'smtp://127.0.0.1:1' });
    expect((await cli.run(['db', 'check'])).code).toBe(0);
    const verification = await cli.run(['audit', 'verify']);
    expect([verification.code, verification.stderr]).toEqual([0, '']);
    const doctor = await cli.run(['doctor', '--json']);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; status: string }[] };
    const about = findings.filter(({ check }) =>
      /^database\.(role|ddl|tenant|audit|schema|jobs)$/.test(check),
    );
    expect(about.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
  });

  it.each([
    'CREATE TABLE mine (id int)',
    'CREATE TABLE pgboss.mine (id int)',
    'CREATE TEMPORARY TABLE mine (id int)',
    'CREATE SCHEMA mine',
    'CREATE ROLE mine',
    'CREATE EXTENSION pg_stat_statements',
    'DROP TABLE users',
    'TRUNCATE users',
    'ALTER TABLE users ADD COLUMN mine int',
    'ALTER TABLE users DISABLE TRIGGER USER',
    'ALTER TABLE audit_events DISABLE TRIGGER USER',
    'ALTER FUNCTION drop_audit_month(date) OWNER TO gatehouse_app',
    'SET session_replication_role = replica',
    'SET ROLE gatehouse_owner',
    'SELECT * FROM pg_authid',
    `SELECT pg_read_file('/etc/passwd')`,
    `COPY users TO PROGRAM 'cat'`,
    `COPY users TO '/tmp/users'`,
    `DELETE FROM migrations`,
    `INSERT INTO migrations (timestamp, name) VALUES (1, 'x')`,
    `UPDATE audit_events SET action = 'x'`,
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
    'DELETE FROM audit_events_default',
    'UPDATE audit_links SET sequence = 0',
    'DELETE FROM audit_links',
    'DELETE FROM audit_head',
    'INSERT INTO audit_head (sequence, hash) VALUES (0, NULL)',
    `UPDATE audit_pending SET event_id = gen_random_uuid()`,
    `SELECT drop_audit_month(now()::date)`,
    'SELECT * FROM tasks',
    'DELETE FROM tasks',
    'ALTER TABLE tasks DISABLE ROW LEVEL SECURITY',
    'DROP POLICY own_rows ON tasks',
    'ALTER ROLE gatehouse_tenant BYPASSRLS',
    'SET row_security = off; SET ROLE gatehouse_tenant; SELECT * FROM tasks',
  ])('the one that serves cannot %s', async (sql) => {
    await expect(as('gatehouse_app', sql)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it('the one that serves reaches no month of the audit trail beside the trail itself', async () => {
    const months = await database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
       WHERE inhparent IN ('audit_events'::regclass, 'audit_links'::regclass) AND relname !~ '_default$'`,
    );
    expect(months.length).toBeGreaterThanOrEqual(8);
    for (const { name } of months)
      for (const sql of [`SELECT FROM ${name}`, `DELETE FROM ${name}`, `DROP TABLE ${name}`])
        await expect(as('gatehouse_app', sql)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it('the one that migrates has none of the rows of users, though it owns their tables', async () => {
    const { id, token } = await loggedIn(app);
    await app.http.post(`/api/users/${id}/tasks`, { title: 'Mine' }, { token });
    expect(await database.query('SELECT title FROM tasks')).toEqual([{ title: 'Mine' }]);
    expect(await as('gatehouse_owner', 'SELECT * FROM tasks')).toEqual([]);
    expect(await as('gatehouse_owner', `UPDATE tasks SET title = 'Read' RETURNING 1`)).toEqual([]);
    // As pg_dump asks: an error is better than a backup without them.
    const dump = as('gatehouse_owner', 'SET row_security = off; COPY tasks TO STDOUT');
    await expect(dump).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it('a role that may not become the tenant is told so by doctor', async () => {
    await database.query('REVOKE gatehouse_tenant FROM gatehouse_app');
    const { stdout } = await cliOf(urlAs('gatehouse_app')).run(['doctor', '--json']);
    await database.query(SCRIPT);
    const { findings } = JSON.parse(stdout) as { findings: object[] };
    expect(findings).toContainEqual({
      check: 'database.tenant',
      status: 'fail',
      message: 'gatehouse_app may not become gatehouse_tenant, which it does for the rows of users',
      advice: 'GRANT gatehouse_tenant TO gatehouse_app, or run deploy/sql/roles.sql',
    });
  });

  it('every table has its rights in src/schema/rights.ts, and those are what the database says', async () => {
    const rightsOf = async (role: string) => {
      const tables = await database.query<{
        name: string;
        rights: string[] | null;
        columns: string[] | null;
      }>(
        `SELECT c.relname AS name,
          (SELECT array_agg(privilege_type) FROM aclexplode(c.relacl) WHERE grantee = to_regrole($1)) AS rights,
          (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = c.oid AND attacl::text LIKE '%' || $1 || '=w/%') AS columns
        FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relname !~ '_\\d{4}_\\d{2}$'`,
        [role],
      );
      return Object.fromEntries(
        tables.map(({ name, rights, columns }): [string, string[]] => [
          name,
          [...(rights ?? []), ...(columns ? [`UPDATE (${columns.join(', ')})`] : [])].sort(),
        ]),
      );
    };
    const found = await rightsOf('gatehouse_app');
    const listed = Object.entries(RIGHTS).map(([name, rights]): [string, string[]] => [
      name,
      rights.split(/, (?=[A-Z])/).sort(),
    ]);
    expect(found).toEqual({
      ...Object.fromEntries(listed),
      ...Object.fromEntries(USER_OWNED.map((name) => [name, []])),
    });
    const tenant = await rightsOf('gatehouse_tenant');
    for (const [name, rights] of Object.entries(tenant))
      expect([name, rights]).toEqual([
        name,
        USER_OWNED.includes(name) ? ['DELETE', 'INSERT', 'SELECT', 'UPDATE'] : [],
      ]);
    // Triggers refuse these too; the right itself must not be there.
    for (const name of ['audit_events', 'audit_links', 'audit_events_default', 'audit_links_default'])
      for (const right of ['UPDATE', 'DELETE', 'TRUNCATE'])
        expect([name, found[name]]).toEqual([name, expect.not.arrayContaining([right])]);
  });

  it('the script and the migrations may run again, and take back what was given by hand', async () => {
    await database.query('GRANT DELETE ON audit_events TO gatehouse_app');
    await database.query(SCRIPT);
    expect(await migrateUp(databaseConfig(urlAs('gatehouse_owner')))).toEqual([]);
    await expect(as('gatehouse_app', 'DELETE FROM audit_events')).rejects.toMatchObject({
      code: INSUFFICIENT_PRIVILEGE,
    });
  });

  it('the one that serves has the time-outs of requests, the one that migrates has not', async () => {
    const settings = `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
      current_setting('idle_in_transaction_session_timeout') AS idle`;
    expect(await as('gatehouse_app', settings)).toEqual([{ statement: '5s', lock: '2s', idle: '10s' }]);
    expect(await as('gatehouse_owner', settings)).toEqual([{ statement: '0', lock: '0', idle: '0' }]);
  });

  it('others do not connect', async () => {
    await database.query(`DO $$ BEGIN CREATE ROLE stranger_to_gatehouse LOGIN PASSWORD '${ROLE_PASSWORD}'; EXCEPTION
      WHEN duplicate_object THEN NULL; END $$`);
    await expect(as('stranger_to_gatehouse', 'SELECT 1')).rejects.toMatchObject({
      code: INSUFFICIENT_PRIVILEGE,
    });
  });
});
