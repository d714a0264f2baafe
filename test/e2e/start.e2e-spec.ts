import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrations } from '../../src/database/migrations';
import { isAlive } from '../../src/database/embedded/process';
import { freshEmail, PASSWORD } from '../support/actors';
import { createDatabase, type TestDatabase } from '../support/database';
import { Http } from '../support/http';
import { newFolder as folderToKeep, runProgram, Server } from '../support/server';

/** Several starts a test, on a machine that may be busy with other tests. */
jest.setTimeout(120_000);

const folders: string[] = [];
const newFolder = () => {
  const folder = folderToKeep();
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const SECRET = 'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV';

describe('the server as a process', () => {
  const servers: Server[] = [];

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop('SIGKILL');
  });

  const start = async (env: Record<string, string>, folder: string) => {
    const server = await Server.start(env, folder);
    servers.push(server);
    return server;
  };
  const launch = async (env: Record<string, string>, folder: string, inGroup?: boolean) => {
    const server = await Server.launch(env, folder, inGroup);
    servers.push(server);
    return server;
  };

  describe('in an empty folder, without any setting', () => {
    const folder = newFolder();
    let pid: number;

    const startHere = async (env: Record<string, string> = {}) => {
      const server = await start(env, folder);
      pid = postgresOf(folder);
      return server;
    };
    const hasStopped = async () => {
      for (let tries = 0; isAlive(pid) && tries < 200; tries++) await sleep(50);
      return !isAlive(pid);
    };

    it('starts, says where it is, and serves with a PostgreSQL and a mailbox of its own', async () => {
      const server = await startHere();
      expect(server.output).toContain(`API         ${server.baseUrl}/api`);
      expect(server.output).toContain(`Swagger UI  ${server.baseUrl}/docs`);
      expect(server.output).toContain(`Mailbox     ${server.baseUrl}/dev/mailbox`);
      expect((await fetch(`${server.baseUrl}/docs`)).status).toBe(200);
      expect(readdirSync(folder)).toEqual(['.data']);

      const email = freshEmail();
      expect(await register(server, email)).toBe(201);
      const [letter] = await lettersTo(server, email);
      expect(letter!.links).toEqual([
        expect.stringContaining(`${server.baseUrl}/verify-email#token=`) as unknown,
      ]);
      expect(await server.stop()).toBe(0);
    });

    it('keeps the data and the sessions over a restart', async () => {
      const first = await startHere();
      const email = freshEmail();
      const token = await verifiedLogin(first, email);
      expect(await first.stop()).toBe(0);

      const startedAt = performance.now();
      // The same address, which the tokens name as their issuer.
      const second = await startHere({ PORT: new URL(first.baseUrl).port });
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      expect(await register(second, email)).toBe(409);
      const { status } = await new Http(second.baseUrl).get('/api/auth/profile', { token });
      expect(status).toBe(200);
      expect(await second.stop()).toBe(0);
    });

    it('recovers after kill -9', async () => {
      const killed = await startHere();
      const email = freshEmail();
      expect(await register(killed, email)).toBe(201);
      expect(await killed.stop('SIGKILL')).toBeNull();

      const next = await startHere();
      expect(await register(next, email)).toBe(409);
      expect(await next.stop()).toBe(0);
    });

    it.each(['SIGINT', 'SIGTERM'] as const)(
      'ends with 0 on %s and takes PostgreSQL along',
      async (signal) => {
        const server = await startHere();
        expect(await server.stop(signal)).toBe(0);
        expect(isAlive(pid)).toBe(false);
        expect(existsSync(pidFile(folder))).toBe(false);
      },
    );

    it('ends with 0 on Ctrl-C, which reaches all of its processes, and once more by way of npm', async () => {
      const server = await launch({}, folder, true);
      await server.ready();
      pid = postgresOf(folder);
      server.signal('SIGINT', { toGroup: true });
      await sleep(20);
      server.signal('SIGINT');
      expect((await server.exit()).code).toBe(0);
      expect(isAlive(pid)).toBe(false);
      expect(existsSync(pidFile(folder))).toBe(false);
    });

    it('ends in the middle of its start as well, leaving nothing behind', async () => {
      for (const delay of [300, 600, 900]) {
        const server = await launch({}, folder, true);
        await sleep(delay);
        server.signal('SIGINT', { toGroup: true });
        await server.exit();
        expect(readdirSync(join(folder, '.data', 'postgres'))).not.toContain('owner.json');
        if (existsSync(pidFile(folder))) pid = postgresOf(folder);
        expect(await hasStopped()).toBe(true);
      }
      const next = await startHere();
      expect(await register(next, freshEmail())).toBe(201);
      await next.stop();
    });

    it('refuses a second server in the same folder with one line, and leaves the first alone', async () => {
      const first = await startHere();
      const { code, output } = await (await launch({}, folder)).exit();
      expect(code).toBe(1);
      expect(output).toMatch(/^another Gatehouse \(pid \d+\) is using .+\n$/);
      expect(await register(first, freshEmail())).toBe(201);
      await first.stop();
    });

    it('says in one line that its port is in use, and stops PostgreSQL again', async () => {
      const squatter = createServer();
      await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
      const { port } = squatter.address() as AddressInfo;
      const { code, output } = await (
        await launch({ PORT: String(port), LOG_LEVEL: 'silent' }, folder)
      ).exit();
      squatter.close();
      expect(code).toBe(1);
      expect(output).toBe(`Port ${port} is in use: stop what listens there, or set PORT to another one\n`);
      expect(existsSync(pidFile(folder))).toBe(false);
    });

    it('runs beside a server in another folder', async () => {
      const [one, other] = await Promise.all([startHere(), start({}, newFolder())]);
      const otherPid = postgresOf(other.folder);
      expect(otherPid).not.toBe(pid);
      const email = freshEmail();
      expect([await register(one, email), await register(other, email)]).toEqual([201, 201]);
      expect(await Promise.all([one.stop(), other.stop()])).toEqual([0, 0]);
      expect(isAlive(otherPid)).toBe(false);
    });
  });

  describe('with settings', () => {
    let database: TestDatabase;
    let folder: string;

    beforeEach(async () => {
      database = await createDatabase({ empty: true });
      folder = newFolder();
    });
    afterEach(async () => {
      for (const server of servers) await server.stop();
      await database.drop();
    });

    it('starts nothing embedded where DATABASE_URL is set', async () => {
      const server = await start({ DATABASE_URL: database.url, JWT_SECRET: SECRET }, folder);
      expect(await register(server, freshEmail())).toBe(201);
      expect(await database.query('SELECT email FROM users')).toHaveLength(1);
      expect(readdirSync(folder)).toEqual([]);
    });

    it('migrates once where several processes start at the same time', async () => {
      const env = { DATABASE_URL: database.url, JWT_SECRET: SECRET };
      const replicas = await Promise.all([1, 2, 3, 4].map(() => start(env, newFolder())));
      const applied = await database.query<{ name: string }>('SELECT name FROM migrations ORDER BY id');
      expect(applied.map(({ name }) => name)).toEqual(migrations().map(({ name }) => name));
      const email = freshEmail();
      const answers = await Promise.all(replicas.map((replica) => register(replica, email)));
      expect(answers.sort()).toEqual([201, 409, 409, 409]);
      expect(await Promise.all(replicas.map((replica) => replica.stop()))).toEqual([0, 0, 0, 0]);
    });

    it('reads .env of the working directory, and the environment wins over it', async () => {
      writeFileSync(
        join(folder, '.env'),
        `DATABASE_URL=${database.url}\nEMAIL_VERIFICATION=off\nPORT=1\nLOG_LEVEL=loud\n`,
      );
      const server = await start({ LOG_LEVEL: 'info' }, folder);
      const { status, body } = await new Http(server.baseUrl).post('/api/auth/register', {
        email: freshEmail(),
        password: PASSWORD,
      });
      expect([status, body.token_type]).toEqual([201, 'Bearer']);
      expect(existsSync(join(folder, '.data', 'postgres'))).toBe(false);
    });
  });

  describe('with a wrong environment', () => {
    it('ends with 78, lists every mistake without a value, and has started nothing', async () => {
      const folder = newFolder();
      const env = {
        DATABASE_URL: 'mysql://root:hunter2@db/x',
        JWT_SECRET: 'hunter2',
        SESSION_TTL: 'hunter2',
      };
      const { code, output } = await (await launch(env, folder)).exit();
      expect(code).toBe(78);
      expect(output).toMatch(/^The configuration is not usable:\n/);
      for (const name of Object.keys(env)) expect(output).toContain(`\n  - ${name} must be `);
      expect(output).not.toContain('hunter2');
      expect(readdirSync(folder)).toEqual([]);
    });

    it('ends with 78 in production on everything that is meant for development', async () => {
      const folder = newFolder();
      const { code, output } = await (await launch({ NODE_ENV: 'production' }, folder)).exit();
      expect(code).toBe(78);
      for (const name of ['DATABASE_URL', 'JWT_SECRET', 'PUBLIC_URL', 'SMTP_URL', 'MAIL_FROM', 'BCRYPT_COST'])
        expect(output).toContain(`\n  - ${name} must be `);
      expect(readdirSync(folder)).toEqual([]);
    });

    it('ends with 1 and one line where the database does not know it', async () => {
      const database = await createDatabase({ empty: true });
      const url = new URL(database.url);
      url.pathname = '/nowhere';
      await database.drop();
      const { code, output } = await (await launch({ DATABASE_URL: url.href }, newFolder())).exit();
      expect(code).toBe(1);
      expect(output).toBe('database "nowhere" does not exist\n');
    });
  });
});

describe('the programs of package.json', () => {
  const root = join(__dirname, '../..');

  it('are where its scripts look for them', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const programs = Object.values(scripts).flatMap((script) => script.match(/\bdist\/\S+\.js\b/g) ?? []);
    expect(programs.length).toBeGreaterThanOrEqual(4);
    expect(programs.filter((program) => !existsSync(join(root, program)))).toEqual([]);
  });

  describe('schema/cli.js', () => {
    let database: TestDatabase;
    const folder = newFolder();

    beforeAll(async () => {
      database = await createDatabase({ empty: true });
    });
    afterAll(() => database.drop());

    const cli = (...args: string[]) =>
      runProgram(['src/schema/cli.js', ...args], { DATABASE_URL: database.url }, folder);
    const names = migrations().map(({ name }) => name);

    it('up says what it applied, and that nothing was left to apply', async () => {
      expect(await cli('up')).toEqual({ code: 0, output: `applied: ${names.join(', ')}\n` });
      expect(await cli('up')).toEqual({ code: 0, output: 'nothing to migrate\n' });
      expect(await database.query('SELECT name FROM migrations ORDER BY id')).toEqual(
        names.map((name) => ({ name })),
      );
    });

    it('generate finds the compiled entities and the database in agreement', async () => {
      const before = readdirSync(join(root, 'migrations'));
      expect(await cli('generate', 'change-nothing')).toEqual({
        code: 0,
        output: 'the entities and the database agree\n',
      });
      expect(readdirSync(join(root, 'migrations'))).toEqual(before);
    });

    it('down takes the newest migration back', async () => {
      expect(await cli('down')).toEqual({ code: 0, output: `taken back: ${names.at(-1)}\n` });
      expect(await database.query('SELECT 1 FROM migrations')).toHaveLength(names.length - 1);
    });

    it.each([
      ['nothing', [], 'use: up | down | generate <verb-noun>\n'],
      ['an unknown command', ['sideways'], 'use: up | down | generate <verb-noun>\n'],
      ['a migration without a name', ['generate'], 'name the migration like create-users: verb-noun\n'],
      [
        'a name that leads elsewhere',
        ['generate', '../x-y'],
        'name the migration like create-users: verb-noun\n',
      ],
    ])('refuses %s with one line', async (_, args, output) => {
      expect(await cli(...args)).toEqual({ code: 1, output });
    });
  });
});

const pidFile = (folder: string) => join(folder, '.data', 'postgres', 'cluster', 'data', 'postmaster.pid');
const postgresOf = (folder: string) => Number.parseInt(readFileSync(pidFile(folder), 'utf8'), 10);

async function register(server: Server, email: string): Promise<number> {
  const { status } = await new Http(server.baseUrl).post('/api/auth/register', { email, password: PASSWORD });
  return status;
}

interface Letter {
  links: string[];
}

/** Waits for the first. */
async function lettersTo(server: Server, email: string): Promise<Letter[]> {
  for (let tries = 0; tries < 400; tries++) {
    const { body } = await new Http(server.baseUrl).get<Letter[]>(`/dev/mailbox/letters?to=${email}`);
    if (body.length > 0) return body;
    await sleep(25);
  }
  throw new Error(`no letter to ${email}`);
}

async function verifiedLogin(server: Server, email: string): Promise<string> {
  const http = new Http(server.baseUrl);
  await register(server, email);
  const [letter] = await lettersTo(server, email);
  const token = letter!.links[0]!.split('#token=')[1];
  await http.post('/api/auth/verify', { token });
  const { body } = await http.post<{ access_token: string }>('/api/auth/login', {
    email,
    password: PASSWORD,
  });
  return body.access_token;
}
