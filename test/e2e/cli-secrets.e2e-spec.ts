import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshEmail, loggedIn, PASSWORD } from '../support/actors';
import { TestApp } from '../support/app';
import { runCli, type CliRun } from '../support/cli';
import { MailServer } from '../support/mail-server';

const GUIDE = readFileSync(join(__dirname, '../../docs/cli.md'), 'utf8');

jest.setTimeout(180_000);

/** Each is searched for in everything that any command prints. */
const CANARIES = {
  JWT_SECRET: 'cAnArY0ne-Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a',
  OLD_SECRET: 'cAnArYtwo-pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a',
  PEPPER: 'cAnArY3ee-Zt7vLc4nRb9sKd1gHf6uJe3a5oTi0BqVx',
  METRICS_TOKEN: 'cAnArY4ou-nRb9sKd1gHf6uJe3a5oTi0BqVxWm2ZtY7',
  SMTP: 'cAnArY5ve',
  REDIS: 'cAnArY6ix',
  NEW_PASSWORD: 'cAnArY 7even meadow?',
  REFUSED_PASSWORD: 'cAnArY8',
};

describe('no command prints a secret', () => {
  const server = new MailServer();
  let app: TestApp;
  let env: Record<string, string>;

  beforeAll(async () => {
    const smtpUrl = await server.listen();
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    env = {
      JWT_SECRET: `${CANARIES.JWT_SECRET},${CANARIES.OLD_SECRET}`,
      JWT_ALGORITHM: 'ES256',
      JWT_PRIVATE_KEYS: keys.export({ type: 'pkcs8', format: 'pem' }) as string,
      PASSWORD_PEPPER: CANARIES.PEPPER,
      METRICS_TOKEN: CANARIES.METRICS_TOKEN,
      PUBLIC_URL: 'http://localhost:3000',
    };
    app = await TestApp.start({ env });
    env = {
      ...env,
      DATABASE_URL: app.database.url,
      LOG_LEVEL: 'trace',
      SMTP_URL: smtpUrl.replace('//', `//ada:${CANARIES.SMTP}@`),
      REDIS_URL: `redis://:${CANARIES.REDIS}@127.0.0.1:1`,
    };
  });
  afterAll(async () => {
    await app?.close();
    await server.close();
  });

  it('in any form, whether it succeeds or not', async () => {
    const owner = await loggedIn(app);
    const other = await loggedIn(app);
    // Whatever is not known here is a command without a test: give it arguments.
    const argumentsOf: Record<string, string[]> = {
      'users create': [freshEmail(), '--password-stdin'],
      'users show': [owner.email],
      'users disable': [owner.email],
      'users enable': [owner.email],
      'users verify': [owner.email],
      'users set-password': [owner.email, '--password-stdin'],
      'users delete': [other.email, '--yes'],
      'sessions list': [owner.email],
      'sessions revoke': ['--user', owner.email],
      'mail retry': ['--all'],
      'mail test': [freshEmail()],
    };
    const commands = [...GUIDE.matchAll(/^\| `gatehouse ([a-z -]+)`/gm)].map(([, name]) => name!);
    const isMade = (command: string) => command === 'keys generate';
    const runs: (CliRun & { of: string })[] = [];
    const run = async (of: string, args: string[], more: Record<string, string>, input: string) =>
      runs.push({ of, ...(await runCli(args, { ...env, ...more }, { input })) });

    for (const command of commands.filter((name) => !isMade(name))) {
      const args = [...command.split(' '), ...(argumentsOf[command] ?? [])];
      await run(command, [...args, '--json'], {}, CANARIES.NEW_PASSWORD);
    }
    for (const command of ['users create', 'users set-password']) {
      const args = [...command.split(' '), ...argumentsOf[command]!];
      await run(`${command}, refused`, args, {}, CANARIES.REFUSED_PASSWORD);
    }
    for (const command of ['users list', 'db check', 'db migrate', 'doctor'])
      await run(
        `${command}, away`,
        command.split(' '),
        { DATABASE_URL: `postgres://gate:${CANARIES.SMTP}@127.0.0.1:1/gate` },
        '',
      );
    await run(
      'doctor, wrong',
      ['doctor'],
      { JWT_SECRET: CANARIES.NEW_PASSWORD, PASSWORD_PEPPER: CANARIES.NEW_PASSWORD },
      '',
    );
    await run('doctor, shared', ['doctor'], { METRICS_TOKEN: CANARIES.JWT_SECRET }, '');

    expect(runs.length).toBeGreaterThan(25);
    expect(runs.filter(({ code }) => code === null || code > 78)).toEqual([]);
    const databasePassword = new URL(app.database.url).password;
    const pem = env.JWT_PRIVATE_KEYS!.split('\n').slice(1, -2);
    const hashes = await app.database.query<{ hash: string }>('SELECT password_hash AS hash FROM users');
    const secrets = [
      ...Object.values(CANARIES),
      ...Object.values(CANARIES).map((canary) => Buffer.from(canary).toString('base64').slice(0, 10)),
      ...pem,
      ...hashes.map(({ hash }) => hash),
      ...[owner, other].flatMap(({ token, refreshToken }) => [token, refreshToken]),
      databasePassword,
      PASSWORD,
    ];
    const leaks = runs.flatMap(({ of, stdout, stderr }) =>
      secrets.filter((secret) => `${stdout}${stderr}`.includes(secret)).map((secret) => [of, secret]),
    );
    expect(leaks).toEqual([]);
    // Stacks are for mistakes of ours.
    expect(runs.filter(({ stderr }) => /\n {4}at /.test(stderr)).map(({ of }) => of)).toEqual([]);
    // Under --json stdout is JSON or nothing.
    for (const { of, stdout } of runs.filter(({ of }) => commands.includes(of) && of !== 'audit export'))
      expect([of, stdout === '' || typeof JSON.parse(stdout)]).toEqual([of, expect.anything()]);
  });
});
