import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrateUp } from '../../src/schema/migrate';
import { freshEmail, loggedIn, PASSWORD } from '../support/actors';
import { TestApp } from '../support/app';
import { createDatabase, databaseConfig, type TestDatabase } from '../support/database';
import { freePort } from '../support/server';

const BINARY = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync);

if (!BINARY)
  // Visible in every report: README promises that the tests need nothing but Node and npm.
  it.todo('behind PgBouncer: not tested here, for it is not installed (apt-get install pgbouncer)');

(BINARY ? describe : describe.skip)('behind PgBouncer in transaction pooling mode', () => {
  let database: TestDatabase;
  let bouncer: PgBouncer;
  let app: TestApp;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    bouncer = await PgBouncer.start(BINARY!, database.url);
    const pooled = { ...databaseConfig(bouncer.url), directUrl: database.url, isPooled: true };
    await migrateUp(pooled);
    app = await TestApp.start({
      database: { ...database, url: bouncer.url },
      env: { DATABASE_DIRECT_URL: database.url },
    });
  });
  afterAll(async () => {
    await app?.close();
    await bouncer?.stop();
    await database?.drop();
  });

  it('is a pooler indeed: it refuses start-up parameters', async () => {
    const client = new Client({ connectionString: bouncer.url, statement_timeout: 1_000 });
    client.on('error', () => undefined);
    await expect(client.connect()).rejects.toThrow('unsupported startup parameter');
    expect(await bouncer.pool(bouncer.database)).toMatchObject({ pool_mode: 'transaction' });
  });

  it('somebody registers, verifies, logs in, reads and changes the profile, and logs out', async () => {
    const { token, email } = await loggedIn(app);
    const profile = await app.http.get('/api/auth/profile', { token });
    expect([profile.status, JSON.stringify(profile.body).includes(email)]).toEqual([200, true]);
    expect((await app.http.put('/api/auth/profile', { name: 'Ada' }, { token })).status).toBe(200);
    expect((await app.http.post('/api/auth/logout', undefined, { token })).status).toBe(200);
    const { status, body } = await app.http.get('/api/auth/profile', { token });
    expect([status, body.code]).toEqual([401, 'session_revoked']);
  });

  it('everybody reads and writes their own tasks, many at a time on few connections', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => loggedIn(app)));
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const { id, token } = people[at % 5]!;
        const tasks = `/api/users/${id}/tasks`;
        const { status } = await app.http.post(tasks, { title: id }, { token });
        const { body } = await app.http.get<{ items: { title: string }[] }>(tasks, { token });
        return status === 201 && body.items.length > 0 && body.items.every(({ title }) => title === id);
      }),
    );
    expect(answers).toEqual(Array(50).fill(true));
  });

  it('50 requests at a time are served by fewer connections', async () => {
    const { token } = await loggedIn(app);
    const reads = Array.from({ length: 50 }, () => app.http.get('/api/auth/profile', { token }));
    expect(new Set((await Promise.all(reads)).map(({ status }) => status))).toEqual(new Set([200]));

    const email = freshEmail();
    const writes = Array.from({ length: 50 }, () =>
      app.http.post('/api/auth/register', { email, password: PASSWORD }),
    );
    const statuses = (await Promise.all(writes)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(49);
    await app.mailbox.waitFor(email);
  });

  it('health reports database, migrations, listener and mail queue as up', async () => {
    const { status, body } = await app.http.get('/health');
    expect(status).toBe(200);
    expect(Object.values(body.details as object).map((part: { status: string }) => part.status)).toEqual([
      'up',
      'up',
      'up',
      'up',
    ]);
  });

  it('statements go through the pooler, and none of them upset it', async () => {
    const [row] = await app.nest
      .get(DataSource)
      .query<{ port: number }[]>('SELECT inet_server_port() AS port');
    expect(String(row!.port)).toBe(new URL(database.url).port);
    expect(new URL(bouncer.url).port).not.toBe(new URL(database.url).port);
    const complaints = bouncer.log.match(/.*(unsupported startup parameter|prepared statement).*/g) ?? [];
    // The one that the first test provoked.
    expect(complaints.filter((line) => !line.includes('statement_timeout'))).toEqual([]);
  });
});

class PgBouncer {
  log = '';

  private constructor(
    readonly url: string,
    readonly database: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr!.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  static async start(binary: string, databaseUrl: string): Promise<PgBouncer> {
    const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl);
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pgbouncer-'));
    chmodSync(folder, 0o777);
    const port = await freePort();
    writeFileSync(join(folder, 'users.txt'), `"${username}" "${decodeURIComponent(password)}"\n`);
    writeFileSync(
      join(folder, 'pgbouncer.ini'),
      `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users.txt
admin_users = ${username}
pool_mode = transaction
default_pool_size = 5
max_client_conn = 200
${namedStatements(binary)}
`,
    );
    // It refuses to run as root.
    const asNobody = process.getuid?.() === 0 ? idsOf('nobody') : {};
    const child = spawn(binary, [join(folder, 'pgbouncer.ini')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      ...asNobody,
    });
    const url = new URL(databaseUrl);
    url.host = `127.0.0.1:${port}`;
    const bouncer = new PgBouncer(url.href, pathname.slice(1), folder, child);
    await bouncer.listens(port);
    return bouncer;
  }

  /** From its own console: the pool of one database. */
  async pool(database: string): Promise<Record<string, string> | undefined> {
    const url = new URL(this.url);
    url.pathname = '/pgbouncer';
    const client = new Client({ connectionString: url.href });
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, string>>('SHOW POOLS');
      return rows.find((row) => row.database === database);
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async listens(port: number): Promise<void> {
    for (let tries = 0; tries < 200 && this.child.exitCode === null; tries++, await sleep(50)) {
      const socket = connect(port, '127.0.0.1');
      const isOpen = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (isOpen) return;
    }
    throw new Error(`PgBouncer did not start:\n${this.log}`);
  }
}

function idsOf(user: string): { uid: number; gid: number } {
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, user]).toString()));
  return { uid: uid!, gid: gid! };
}

/** Newer ones follow named statements from connection to connection, older ones and other poolers do not. */
function namedStatements(binary: string): string {
  const [, minor] = /PgBouncer 1\.(\d+)/.exec(execFileSync(binary, ['--version']).toString()) ?? [];
  return Number(minor) < 21 ? '' : 'max_prepared_statements = 0';
}
