import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../src/database/embedded-postgres';

const source = join(__dirname, '../../src/database/embedded-postgres.ts');

/** A Gatehouse that can be killed: compiles the source by itself, starts the database, says where and stays. */
const gatehouse = `
  const swc = require('@swc/core');
  require.extensions['.ts'] = (module, path) => module._compile(swc.transformFileSync(path).code, path);
  const { startEmbeddedPostgres } = require(${JSON.stringify(source)});
  startEmbeddedPostgres(JSON.parse(process.argv[1])).then(({ url }) => {
    console.log(url);
    setInterval(() => undefined, 60_000);
  });
`;

describe('embedded PostgreSQL', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  const servers: EmbeddedPostgres[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-embedded-'));
  });

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await Promise.all(children.splice(0).map(kill));
  });

  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

  const options = (name: string): EmbeddedPostgresOptions => ({
    dataDir: join(folder, name),
    durable: false,
  });

  async function start(name: string): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres(options(name));
    servers.push(server);
    return server;
  }

  function spawnGatehouse(name: string): ChildProcess {
    const child = spawn(process.execPath, ['-e', gatehouse, JSON.stringify(options(name))], {
      cwd: join(__dirname, '../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  }

  async function startGatehouse(name: string): Promise<{ child: ChildProcess; url: string }> {
    const child = spawnGatehouse(name);
    if (!child.stdout) throw new Error('no output to read the URL from');
    const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
    return { child, url };
  }

  const pidFile = (name: string) => join(folder, name, 'cluster', 'data', 'postmaster.pid');
  const serverPid = async (name: string) => Number.parseInt(await readFile(pidFile(name), 'utf8'), 10);

  it('creates the database at the first start and keeps its rows for the second', async () => {
    const first = await start('kept');
    expect(new URL(first.url)).toMatchObject({ hostname: '127.0.0.1', pathname: '/gatehouse' });
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();

    const second = await start('kept');
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await query(second.url, 'SHOW server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
  });

  it('lets nobody in without the password, which only its owner can read', async () => {
    const { url } = await start('kept');
    const guess = new URL(url);
    guess.password = 'guess';

    await expect(query(guess.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    const { mode } = await stat(join(folder, 'kept', 'cluster', 'password'));
    expect(mode & 0o777).toBe(0o600);
  });

  it('serves two checkouts side by side', async () => {
    const [one, other] = await Promise.all([start('kept'), start('other')]);
    await query(other.url, 'CREATE TABLE kept AS SELECT 43 AS answer');

    expect(await query(one.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await query(other.url, 'SELECT answer FROM kept')).toEqual([{ answer: 43 }]);
  });

  it('refuses a data directory whose owner lives, and leaves its server alone', async () => {
    const { child, url } = await startGatehouse('kept');

    await expect(start('kept')).rejects.toThrow(`another Gatehouse (pid ${child.pid}) is using`);
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('can be stopped more than once, with connections open', async () => {
    const server = await start('kept');
    const client = await connect(server.url);

    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await expect(query(server.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await client.end().catch(() => undefined);
  });

  it('survives what ends a whole process tree, so that the server can drain', async () => {
    const { child, url } = await startGatehouse('kept');

    for (const pid of descendants(child.pid)) process.kill(pid, 'SIGTERM');
    await sleep(300);
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('ends by itself when its Gatehouse is killed', async () => {
    const { child } = await startGatehouse('kept');
    const postgres = await serverPid('kept');

    await kill(child);
    await expect(eventually(() => !isAlive(postgres))).resolves.toBe(true);
  });

  it('is replaced, with every row, where it outlived a killed Gatehouse', async () => {
    const { child, url } = await startGatehouse('kept');
    const orphan = await serverPid('kept');
    await query(url, 'CREATE TABLE written_before_the_kill ()');
    await killWithWatchdog(child);
    expect(isAlive(orphan)).toBe(true);

    const server = await start('kept');
    expect(await query(server.url, 'SELECT * FROM kept, written_before_the_kill')).toEqual([]);
    expect(isAlive(orphan)).toBe(false);
  });

  it('recovers after the server itself was killed in the middle of a query', async () => {
    const server = await start('kept');
    const cut = query(server.url, 'SELECT count(*) FROM generate_series(1, 1e9)').catch(() => 'cut');
    await sleep(100);
    process.kill(await serverPid('kept'), 'SIGKILL');
    await server.stop();

    const next = await start('kept');
    expect(await query(next.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await cut).toBe('cut');
  });

  it('neither kills nor waits for a stranger who was given the pid of the dead server', async () => {
    const { child } = await startGatehouse('kept');
    await killWithWatchdog(child);
    process.kill(await serverPid('kept'), 'SIGKILL');
    const { uid } = await stat(pidFile('kept'));
    // Of the server's own user, for PostgreSQL disregards the processes of others.
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore', uid, cwd: '/' });
    children.push(stranger);
    const lines = (await readFile(pidFile('kept'), 'utf8')).split('\n');
    await writeFile(pidFile('kept'), [stranger.pid, ...lines.slice(1)].join('\n'));

    const server = await start('kept');
    expect(await query(server.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });

  it('takes over from an owner file whose pid is a stranger’s, or that is torn', async () => {
    const claim = join(folder, 'kept', 'owner.json');
    for (const leftover of [JSON.stringify({ pid: process.ppid, identity: 'of another' }), '{"pi', '']) {
      await writeFile(claim, leftover);
      const server = await start('kept');
      await server.stop();
    }
    expect((await listing('kept')).sort()).toEqual(['cluster', 'postgres.log']);
  });

  it('begins anew where the very first start was killed half-way', async () => {
    const child = spawnGatehouse('interrupted');
    await eventually(async () =>
      (await listing('interrupted')).some((name) => name.startsWith('cluster.new-')),
    );
    await sleep(200);
    await kill(child);
    expect(await listing('interrupted')).not.toContain('cluster');

    const server = await start('interrupted');
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('says why it does not start', async () => {
    const conf = join(folder, 'other', 'cluster', 'data', 'postgresql.conf');
    await appendFile(conf, '\nno_such_setting = 1\n');

    await expect(start('other')).rejects.toThrow(/did not start.*postgres\.log.*no_such_setting/s);
    expect(await listing('other')).not.toContain('owner.json');
  });

  async function listing(name: string): Promise<string[]> {
    return readdir(join(folder, name)).catch(() => []);
  }
});

async function connect(url: string): Promise<Client> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = await connect(url);
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function killWithWatchdog(child: ChildProcess): Promise<void> {
  for (const pid of descendants(child.pid)) process.kill(pid, 'SIGKILL');
  await kill(child);
}

function descendants(root: number | undefined): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const found = [root];
  for (const parent of found) {
    const children = rows
      .map((row) => row.trim().split(/\s+/).map(Number))
      .filter(([, ppid]) => ppid === parent);
    found.push(...children.map(([pid]) => pid));
  }
  return found.slice(1).filter((pid) => pid !== undefined);
}

/** A zombie, in a container that nobody tidies, counts as gone. */
function isAlive(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    return !state.startsWith('Z');
  } catch {
    return false;
  }
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}
