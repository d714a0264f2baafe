import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { EXIT } from '../../src/cli/exit-codes';
import { readHidden } from '../../src/cli/hidden-input';
import { PASSWORD } from '../support/actors';
import { cliOf, runCli } from '../support/cli';
import { createDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/server';

const NOBODY = '01a1fe4f-05ff-74a6-95c6-45d483a7f89a';
const GUIDE = readFileSync(join(__dirname, '../../docs/cli.md'), 'utf8');

jest.setTimeout(120_000);

describe('gatehouse', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  /** The names under `Commands:` of a help text. */
  const commandsIn = (help: string) =>
    [...(help.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name!);

  it('docs/cli.md lists its commands: add new ones to the table there', async () => {
    const root = await runCli(['--help'], {});
    expect(root).toMatchObject({ code: 0, stderr: '' });
    const commands: string[] = [];
    for (const name of commandsIn(root.stdout).filter((known) => known !== 'help')) {
      const { stdout } = await runCli([name, '--help'], {});
      expect(stdout).toContain(`Usage: gatehouse ${name}`);
      const inner = commandsIn(stdout).filter((known) => known !== 'help');
      commands.push(...(inner.length > 0 ? inner.map((sub) => `${name} ${sub}`) : [name]));
    }
    const documented = [...GUIDE.matchAll(/^\| `gatehouse ([a-z -]+)`/gm)].map(([, name]) => name!);
    expect(commands.length).toBeGreaterThan(15);
    expect(documented.sort()).toEqual(commands.sort());
  });

  it('docs/cli.md lists its exit codes', () => {
    const documented = [...GUIDE.matchAll(/^\| (\d+) +\| `(\w+)`/gm)].map(([, code, name]) => [
      name,
      Number(code),
    ]);
    expect(Object.fromEntries(documented)).toEqual(EXIT);
  });

  it('starts nothing and asks for no setting to help or to tell its version', async () => {
    const env = { DATABASE_URL: 'not a url', NODE_ENV: 'production' };
    expect(await runCli(['--version'], env)).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout, stderr } = await runCli(['users', 'set-password', '--help'], env);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('--password-stdin');
    expect(stdout).toContain('--json');
  });

  describe('refuses with 2 what is wrong on the command line, names it, and tries nothing', () => {
    // A database that nobody reaches: had it been tried, the code would be another.
    const cli = cliOf('postgres://gate:hunter2@127.0.0.1:1/gate');

    it.each([
      [[], 'Usage: gatehouse'],
      [['users'], 'Usage: gatehouse users'],
      [['paint'], "unknown command 'paint'"],
      [['users', 'paint'], "gatehouse users has no command 'paint'"],
      [['users', '--paint'], "gatehouse users has no command '--paint'"],
      [['users', 'list', '--paint'], "unknown option '--paint'"],
      [['users', 'list', 'more'], "too many arguments for 'list'"],
      [['users', 'show'], "missing required argument 'user'"],
      [['users', 'list', '--limit', '0'], "option '--limit <number>'"],
      [['users', 'list', '--after', 'ada'], "option '--after <id>'"],
      [['users', 'list', '--search', ' '], "option '--search <text>'"],
      [['users', 'create', 'a@b@c', '--password-stdin'], "argument 'email'"],
      [['users', 'create', 'a@example.org', '--name', 'x\ny'], "option '--name <name>'"],
      [['users', 'create', 'a@example.org', '--password', 'hunter2'], "unknown option '--password'"],
      [['users', 'set-password', 'a@example.org', 'hunter2'], "too many arguments for 'set-password'"],
      [['sessions', 'revoke'], '--all-users'],
      [['sessions', 'revoke', 'ada'], "'session' must be an id"],
      [['keys', 'generate', '--algorithm', 'none'], "option '--algorithm <name>'"],
      [['mail', 'retry'], '--all'],
      [['mail', 'retry', NOBODY, '--all'], '--all'],
      [['mail', 'retry', 'first'], "'letter' must be an id"],
      [['mail', 'test', 'ada'], "argument 'email'"],
      [['mail', 'parked', '--limit', '5000'], "option '--limit <number>'"],
    ])('%j', async (args, words) => {
      const { code, stdout, stderr } = await cli.run(args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(words);
      expect(stderr).not.toMatch(/hunter2|\n {4}at /);
    });
  });

  describe('where the database is away', () => {
    const COMMANDS = [
      ['users', 'list'],
      ['db', 'check'],
      ['db', 'migrate'],
    ];
    const ended = { code: EXIT.unavailable, stdout: '' };

    it.each(COMMANDS)('%s %s ends with 69 and one line: the port is closed', async (...args) => {
      const run = await cliOf('postgres://gate:hunter2@127.0.0.1:1/gate').run(args);
      expect(run).toMatchObject({
        ...ended,
        stderr: 'The database is not available: connect ECONNREFUSED 127.0.0.1:1\n',
      });
    });

    describe('and silent', () => {
      let silent: Server;
      beforeAll(async () => {
        silent = createServer((socket) => socket.on('error', () => undefined));
        silent.listen(0, '127.0.0.1');
        await once(silent, 'listening');
      });
      afterAll(() => silent.close());

      it.each(COMMANDS)('%s %s ends with 69 within 5 s', async (...args) => {
        const { port } = silent.address() as AddressInfo;
        const run = await cliOf(`postgres://gate:hunter2@127.0.0.1:${port}/gate`).run(args);
        expect(run).toMatchObject(ended);
        expect(run.stderr).toMatch(/^The database is not available: .*timeout.*\n$/);
        // Of which starting takes a part, on a busy machine more than the wait.
        expect(run.milliseconds).toBeLessThan(5_000 + (await startTime()));
      });
    });

    it('a password that is refused is no outage', async () => {
      const url = new URL(database.url);
      url.password = 'hunter2';
      const run = await cliOf(url.href).run(['users', 'list']);
      expect(run).toMatchObject({ code: EXIT.configuration, stdout: '' });
      expect(run.stderr).toMatch(
        /^the database refuses the role or its password: check DATABASE_URL \(.+\)\n$/,
      );
      url.password = new URL(database.url).password;
      url.pathname = '/nowhere';
      expect(await cliOf(url.href).run(['db', 'check'])).toMatchObject({ code: EXIT.configuration });
    });

    it('one without tables is told to be migrated', async () => {
      const empty = await createDatabase({ empty: true });
      const run = await cliOf(empty.url).run(['users', 'list']);
      expect(run).toMatchObject({ code: EXIT.configuration, stdout: '' });
      expect(run.stderr).toMatch(/^the database lacks .+`gatehouse db migrate`.+\n$/);
      await empty.drop();
    });
  });

  it('ends with 78 on a wrong environment, every mistake by name and without its value', async () => {
    const run = await runCli(['users', 'list'], {
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      JWT_SECRET: 'hunter2',
    });
    expect(run).toMatchObject({ code: EXIT.configuration, stdout: '' });
    expect(run.stderr).toContain('\n  - DATABASE_URL must be ');
    expect(run.stderr).toContain('\n  - JWT_SECRET must be ');
    expect(run.stderr).not.toContain('hunter2');
  });

  it('takes no more than three times the processor time of loading its packages, connection included', async () => {
    // Beside each other, three times: a machine that is slow is so for both.
    const ratios = [];
    while (ratios.length < 3)
      ratios.push((await processorTime(['users', 'list'], database.url)) / timeOfItsPackages());
    expect(Math.min(...ratios)).toBeLessThan(3);
  });

  it('who has read enough of a result is no failure', async () => {
    const { PATH, HOME } = process.env;
    const program = join(__dirname, '../../dist/src/cli.js');
    const child = spawn(process.execPath, [program, 'users', 'list', '--json'], {
      env: { PATH, HOME, DATABASE_URL: database.url, JWT_SECRET: 'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect([code, stderr]).toEqual([0, '']);
  });

  describe('keys', () => {
    it.each([
      ['HS256', /^[\w-]{43}\n$/, 'JWT_SECRET'],
      ['ES256', /^-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n$/, 'JWT_PRIVATE_KEYS'],
      ['rs256', /^-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n$/, 'JWT_PRIVATE_KEYS'],
    ])(
      'generate --algorithm %s prints a key that the configuration takes',
      async (algorithm, form, variable) => {
        const { code, stdout, stderr } = await runCli(['keys', 'generate', '--algorithm', algorithm], {});
        expect(code).toBe(0);
        expect(stdout).toMatch(form);
        expect(stderr).toContain(variable);
        expect(stderr).not.toContain(stdout.trim().slice(28, 60));
        // Its name is the one that tokens will carry.
        const [, kid] = /kid ([\w-]{16})\./.exec(stderr)!;
        const env = { JWT_ALGORITHM: algorithm.toUpperCase(), [variable]: stdout };
        const { keys } = await cliOf(database.url, env).json<{ keys: object[] }>(['keys', 'list']);
        expect(keys).toEqual([{ kid, algorithm: algorithm.toUpperCase(), signs: true, verifies: true }]);
      },
    );

    it('generate makes another one each time, and tells programs what it is', async () => {
      const runs = await Promise.all([1, 2].map(() => runCli(['keys', 'generate', '--json'], {})));
      const [one, two] = runs.map(({ stdout }) => JSON.parse(stdout) as Record<string, string>);
      expect(one).toMatchObject({ algorithm: 'HS256', variable: 'JWT_SECRET' });
      expect(one!.key).not.toBe(two!.key);
    });

    it('list names every key, which of them signs, and no part of any', async () => {
      const secrets = [
        'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV',
        'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV',
      ];
      const { stdout } = await cliOf(database.url, { JWT_SECRET: secrets.join(',') }).run(['keys', 'list']);
      const lines = stdout.trimEnd().split('\n');
      expect(lines.map((line) => line.split(/ {2,}/).slice(1))).toEqual([
        ['ALGORITHM', 'SIGNS', 'VERIFIES'],
        ['HS256', 'yes', 'yes'],
        ['HS256', 'no', 'yes'],
      ]);
    });

    it('need no database', async () => {
      const { code } = await cliOf('postgres://127.0.0.1:1/gate').run(['keys', 'list']);
      expect(code).toBe(0);
    });
  });

  describe('asked on a terminal', () => {
    /** The two ends of a terminal: what the program shows, and a keyboard. */
    const terminal = () => {
      const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: jest.fn() });
      const output = new PassThrough();
      let shown = '';
      output.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      return { input, output, shown: () => shown };
    };

    it('a password is not shown, corrected with the backspace key, and the echo is back afterwards', async () => {
      const { input, output, shown } = terminal();
      const answer = readHidden('Password: ', { input, output });
      for (const key of [...'correctX', '\u007f', ...PASSWORD.slice(7), '\r']) input.write(key);
      expect(await answer).toBe(PASSWORD);
      expect(shown()).toBe('Password: \n');
      expect(input.setRawMode.mock.calls).toEqual([[true], [false]]);
    });

    it.each([
      ['Ctrl-C', 'hunter\u0003'],
      ['Ctrl-D', '\u0004'],
    ])('%s gives up with 130', async (_, keys) => {
      const { input, output, shown } = terminal();
      const answer = readHidden('Password: ', { input, output });
      input.write(keys);
      await expect(answer).rejects.toMatchObject({ exitCode: EXIT.interrupted });
      expect(shown()).toBe('Password: \n');
      expect(input.setRawMode.mock.calls.at(-1)).toEqual([false]);
    });
  });

  it('reads .env of its folder', async () => {
    const folder = newFolder();
    writeFileSync(
      join(folder, '.env'),
      `DATABASE_URL=${database.url}\nJWT_SECRET=Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV\n`,
    );
    expect(await runCli(['users', 'list'], {}, { folder })).toMatchObject({ code: 0 });
    rmSync(folder, { recursive: true });
  });
});

/** Milliseconds for a start that does nothing, on this machine at this moment. */
async function startTime(): Promise<number> {
  return (await runCli(['--version'], {})).milliseconds;
}

/** Milliseconds of user and system time: the machine may be busy with other tests. */
/** Milliseconds of the processor. */
function timeOfItsPackages(): number {
  const packages = ['@nestjs/core', 'typeorm', 'pg-boss', 'class-validator', 'nest-commander'];
  const script = `${JSON.stringify(packages)}.forEach((name) => require(name));
    const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system))`;
  const cwd = join(__dirname, '../..');
  return Number(execFileSync(process.execPath, ['-e', script], { cwd, encoding: 'utf8' })) / 1_000;
}

/** Milliseconds of the processor that a command takes. */
async function processorTime(args: string[], databaseUrl: string): Promise<number> {
  const preload = `data:text/javascript,process.on('exit', () => process.stderr.write('used ' + (process.cpuUsage().user + process.cpuUsage().system)))`;
  const { stderr } = await cliOf(databaseUrl, { NODE_OPTIONS: `--import=${encodeURI(preload)}` }).run(args);
  return Number(/used (\d+)/.exec(stderr)![1]) / 1_000;
}
