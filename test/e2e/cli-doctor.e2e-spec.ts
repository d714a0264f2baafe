import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { EXIT } from '../../src/cli/exit-codes';
import type { Finding } from '../../src/cli/doctor/finding';
import { cliOf, runCli } from '../support/cli';
import { createDatabase, type TestDatabase } from '../support/database';
import { MailServer } from '../support/mail-server';

jest.setTimeout(120_000);

const SECRET = 'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV';

interface Report {
  ok: number;
  warn: number;
  fail: number;
  findings: Finding[];
}

describe('gatehouse doctor', () => {
  let database: TestDatabase;
  const open: { close(): unknown }[] = [];

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close();
  });
  afterAll(() => database.drop());

  const examine = async (env: Record<string, string> = {}, databaseUrl = database.url) => {
    const run = await cliOf(databaseUrl, env).run(['doctor', '--json']);
    const report = JSON.parse(run.stdout) as Report;
    const all = (check: string) => report.findings.filter((finding) => finding.check === check);
    return { ...run, report, all, of: (check: string) => all(check)[0] };
  };
  const listen = async (server: Server) => {
    open.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const preload = (script: string) => ({
    NODE_OPTIONS: `--import=${encodeURI(`data:text/javascript,${script}`)}`,
  });

  it('finds a development set-up in order, with advice for every warning', async () => {
    const { code, stderr, report, of } = await examine({ TRUST_PROXY: '1' });
    expect([code, stderr, report.fail]).toEqual([EXIT.ok, '', 0]);
    expect(report.ok + report.warn).toBe(report.findings.length);
    for (const { status, message, advice } of report.findings) {
      expect(message).not.toMatch(/\n/);
      expect([status, advice === undefined]).toEqual([status, status === 'ok']);
    }
    expect(of('database.version')).toMatchObject({ status: 'ok' });
    expect(of('clock')).toMatchObject({ status: 'ok' });
    expect(of('database.schema')).toMatchObject({ status: 'ok' });
    expect(of('database.jobs')).toMatchObject({ status: 'ok' });
    expect(of('bcrypt')).toMatchObject({ status: 'ok' });
    expect(of('database.role')).toMatchObject({
      status: 'warn',
      message: expect.stringMatching(/superuser/) as unknown,
    });
    expect(of('TRUST_PROXY')).toMatchObject({ status: 'ok', message: '1 proxy is trusted' });
  });

  it('for people: a line for each check, its advice below, and a sum', async () => {
    const { stdout } = await cliOf(database.url).run(['doctor']);
    expect(stdout).toMatch(/^ok {4}database\.version {6}PostgreSQL \d+/m);
    expect(stdout).toMatch(/^warn {2}PASSWORD_PEPPER.+\n {28}→ set it to .+$/m);
    expect(stdout).toMatch(/\n\n\d+ ok, \d+ warnings, 0 failures\n$/);
  });

  it('lists what production would refuse, as warnings', async () => {
    const { all } = await examine();
    expect(all('production').map(({ message }) => message.split(' ')[0])).toEqual([
      'SMTP_URL',
      'PUBLIC_URL',
      'MAIL_FROM',
      'BCRYPT_COST',
    ]);
  });

  it('an unusable configuration is its first finding: all mistakes, and exit code 3', async () => {
    const run = await runCli(['doctor', '--json'], {
      DATABASE_URL: 'mysql://ada:hunter2@db/x',
      PORT: 'high',
    });
    expect([run.code, run.stderr]).toEqual([EXIT.problems, '']);
    const { findings } = JSON.parse(run.stdout) as Report;
    expect(findings.filter(({ status }) => status === 'fail').map(({ message }) => message)).toEqual([
      'PORT must be a port number from 0 to 65535',
      'DATABASE_URL must be a postgres:// URL',
    ]);
    expect(run.stdout).not.toContain('hunter2');
  });

  describe('settings', () => {
    it.each([
      [
        'a secret of words',
        { JWT_SECRET: 'moonmoonmoonmoonbluebluemoonnightmoon' },
        'JWT_SECRET',
        'warn',
        /about \d+ bits/,
      ],
      [
        'two secrets',
        { JWT_SECRET: `${SECRET},Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV` },
        'JWT_SECRET',
        'warn',
        /2 secrets/,
      ],
      [
        'one secret twice',
        { JWT_SECRET: SECRET, PASSWORD_PEPPER: SECRET },
        'secrets',
        'fail',
        /^JWT_SECRET and PASSWORD_PEPPER hold the same/,
      ],
      [
        'a name that nobody knows',
        { PUBLIC_URL: 'https://gate.invalid' },
        'PUBLIC_URL',
        'fail',
        /^gate\.invalid does not resolve/,
      ],
      [
        'TLS in front and no proxy',
        { PUBLIC_URL: 'https://localhost' },
        'TRUST_PROXY',
        'warn',
        /^off, though TLS/,
      ],
      ['too many proxies', { TRUST_PROXY: '9' }, 'TRUST_PROXY', 'warn', /^9 proxies/],
      [
        'everybody as a proxy',
        { TRUST_PROXY: '10.0.0.0/8,::/0' },
        'TRUST_PROXY',
        'fail',
        /^::\/0 trusts everybody/,
      ],
    ] as const)('%s', async (_, env, check, status, message) => {
      const { code, all } = await examine(env);
      const found = all(check).find((finding) => finding.status === status);
      expect(found).toMatchObject({ advice: expect.any(String) as unknown });
      expect(found!.message).toMatch(message);
      expect(code).toBe(status === 'fail' ? EXIT.problems : EXIT.ok);
    });
  });

  describe('database', () => {
    it('one that is away fails alone: everything else is still told, within 10 s', async () => {
      const run = await examine({}, 'postgres://gate:hunter2@127.0.0.1:1/gate');
      expect(run.code).toBe(EXIT.problems);
      expect(run.all('database')).toEqual([
        expect.objectContaining({ status: 'fail', message: 'connect ECONNREFUSED 127.0.0.1:1' }),
      ]);
      expect(run.of('node')).toMatchObject({ status: 'ok' });
      expect(run.milliseconds).toBeLessThan(10_000);
    });

    it('a clock 10 s off is a warning', async () => {
      const { code, of } = await examine(preload('const now = Date.now; Date.now = () => now() - 10000'));
      expect(of('clock')).toMatchObject({
        status: 'warn',
        message: expect.stringMatching(
          /^this machine and the database are (9\.\d|10\.\d) s apart$/,
        ) as unknown,
      });
      expect(code).toBe(EXIT.ok);
    });

    it('a schema that is behind fails', async () => {
      const behind = await createDatabase();
      await behind.query('DROP INDEX ux_users_email_canonical');
      await behind.query('UPDATE pgboss.version SET version = version - 1');
      const { code, of } = await examine({}, behind.url);
      expect(code).toBe(EXIT.problems);
      expect(of('database.schema')).toMatchObject({
        status: 'fail',
        message: expect.stringMatching(/ux_users_email_canonical is missing/) as unknown,
      });
      expect(of('database.jobs')).toMatchObject({ status: 'fail' });
      await behind.drop();
    });

    it('a role that reads and writes rows only is what it wants', async () => {
      const role = `app_${Date.now()}`;
      const url = new URL(database.url);
      [url.username, url.password] = [role, 'least7privilege7role'];
      await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'least7privilege7role'`);
      try {
        await database.query(`GRANT USAGE ON SCHEMA public, pgboss TO ${role}`);
        await database.query(
          `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, pgboss TO ${role}`,
        );
        const wide = await examine({}, url.href);
        expect(wide.of('database.role')).toMatchObject({ status: 'ok' });
        expect(wide.of('database.ddl')).toMatchObject({ status: 'ok' });
        expect(wide.of('database.audit')).toMatchObject({
          status: 'warn',
          message: `${role} has DELETE, UPDATE on audit_events`,
        });
        await database.query(`REVOKE UPDATE, DELETE ON audit_events FROM ${role}`);
        expect((await examine({}, url.href)).of('database.audit')).toMatchObject({ status: 'ok' });
        await database.query(`GRANT CREATE ON SCHEMA public TO ${role}`);
        expect((await examine({}, url.href)).of('database.ddl')).toMatchObject({ status: 'warn' });
      } finally {
        await database.query(`DROP OWNED BY ${role}`);
        await database.query(`DROP ROLE ${role}`);
      }
    });

    describe('behind something', () => {
      /** Like all that stands in between, it names a process of its own when a connection opens. */
      const startProxy = async (rewrite: (request: Buffer) => Buffer = (request) => request) => {
        const { hostname, port } = new URL(database.url);
        const proxy = createServer((client) => {
          const server = connect(Number(port), hostname);
          server.on('data', (chunk) => {
            const key = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
            if (key >= 0) chunk.writeUInt32BE(4_711, key + 5);
            client.write(chunk);
          });
          client.on('data', (chunk) => server.write(rewrite(chunk)));
          couple(client, server);
        });
        const url = new URL(database.url);
        url.port = String(await listen(proxy));
        return url.href;
      };
      /** As in transaction pooling: who listens in one transaction hears nothing in the next. */
      const deafen = (request: Buffer) => {
        const at = request.indexOf('LISTEN gatehouse_doctor');
        if (at >= 0) request.write('SELECT 1'.padEnd(23), at);
        return request;
      };

      it('a pooler without a way round it fails, with one it is fine', async () => {
        const pooled = await startProxy(deafen);
        const blind = await examine({}, pooled);
        expect([blind.code, blind.of('database.pooler')]).toMatchObject([
          EXIT.problems,
          {
            status: 'fail',
            message: 'DATABASE_URL leads to a pooler: LISTEN hears nothing',
            advice: expect.stringMatching(/^set DATABASE_DIRECT_URL/) as unknown,
          },
        ]);
        const knowing = await examine({ DATABASE_DIRECT_URL: database.url }, pooled);
        expect(knowing.of('database.pooler')).toMatchObject({
          status: 'warn',
          advice: expect.stringMatching(/statement_timeout/) as unknown,
        });
        expect(knowing.of('database.direct')).toMatchObject({ status: 'ok' });
        const twice = await examine({ DATABASE_DIRECT_URL: await startProxy(deafen) }, pooled);
        expect(twice.of('database.direct')).toMatchObject({
          status: 'fail',
          message: 'it leads to a pooler too: LISTEN hears nothing',
        });
      });

      it('a proxy that lets everything through is none', async () => {
        const { code, of } = await examine({}, await startProxy());
        expect([code, of('database.pooler')]).toMatchObject([EXIT.ok, { status: 'ok' }]);
      });

      it('two URLs that lead to different servers fail', async () => {
        const later = (request: Buffer) => {
          // Another server began at another time.
          const at = request.indexOf('pg_postmaster_start_time()');
          if (at >= 0) request.write('now()'.padEnd(26), at);
          return request;
        };
        const { of } = await examine({ DATABASE_DIRECT_URL: await startProxy(later) });
        expect(of('database.direct')).toMatchObject({
          status: 'fail',
          message: 'it leads to another server',
        });
      });

      it('TLS that proves nothing, and no TLS to another machine, are warnings', async () => {
        const { hostname, port } = new URL(database.url);
        const context = createSecureContext(selfSigned());
        const front = createServer((raw) => {
          // SSLRequest, answered with yes (PostgreSQL protocol 3.0).
          raw.once('data', () => {
            raw.write('S');
            const client = new TLSSocket(raw, { isServer: true, secureContext: context });
            const server = connect(Number(port), hostname);
            client.pipe(server).pipe(client);
            couple(client, server);
          });
          raw.on('error', () => undefined);
        });
        const url = new URL(database.url);
        url.port = String(await listen(front));
        url.searchParams.set('sslmode', 'no-verify');
        const direct = { DATABASE_DIRECT_URL: database.url };
        expect((await examine(direct, url.href)).of('database.tls')).toMatchObject({
          status: 'warn',
          message: 'encrypted, but the certificate is not verified',
        });
        url.searchParams.set('sslmode', 'verify-full');
        expect((await examine(direct, url.href)).of('database')).toMatchObject({ status: 'fail' });

        const plain = new URL(database.url);
        // An address that is not recognised as this machine's own.
        plain.hostname = '0.0.0.0';
        expect((await examine({}, plain.href)).of('database.tls')).toMatchObject({
          status: 'warn',
          message: 'the connection to 0.0.0.0 is not encrypted',
        });
      });
    });
  });

  describe('mail server', () => {
    it('is greeted, and gets no letter', async () => {
      const server = new MailServer();
      open.push(server);
      const said: string[] = [];
      server.behaviour = (moment) => {
        said.push(moment);
        return undefined;
      };
      const { of } = await examine({ SMTP_URL: await server.listen() });
      expect(of('smtp')).toMatchObject({
        status: 'ok',
        message: expect.stringMatching(/answers, without a login$/) as unknown,
      });
      expect(of('smtp.tls')).toMatchObject({ status: 'warn' });
      expect([said, server.letters]).toEqual([['greeting'], []]);
    });

    it('speaks TLS and takes the login; a wrong password fails', async () => {
      const server = new SMTPServer({
        ...selfSigned(),
        onAuth: ({ username, password }, _session, done) =>
          username === 'ada' && password === 'right1word'
            ? done(null, { user: 'ada' })
            : done(new Error('no')),
      });
      open.push(server);
      server.on('error', () => undefined);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.server.address() as AddressInfo;
      const good = await examine({ SMTP_URL: `smtp://ada:right1word@127.0.0.1:${port}` });
      expect(good.of('smtp')).toMatchObject({ status: 'ok', message: `127.0.0.1:${port} takes the login` });
      expect(good.of('smtp.tls')).toMatchObject({
        status: 'ok',
        message: expect.stringMatching(/^TLSv1\.[23]/) as unknown,
      });
      const bad = await examine({ SMTP_URL: `smtp://ada:wrong2word@127.0.0.1:${port}` });
      expect(bad.code).toBe(EXIT.problems);
      expect(bad.of('smtp')).toMatchObject({
        status: 'fail',
        message: `127.0.0.1:${port}: EAUTH, answer 535`,
      });
      expect(bad.stdout).not.toMatch(/word@|wrong2word/);
    });

    it('that is away fails', async () => {
      const { of } = await examine({ SMTP_URL: 'smtp://127.0.0.1:1' });
      expect(of('smtp')).toMatchObject({ status: 'fail', message: '127.0.0.1:1: ECONNREFUSED' });
    });
  });

  describe('Redis', () => {
    it('that answers is fine, one that refuses the password or is away fails', async () => {
      let reply = '+PONG\r\n';
      const port = await listen(
        createServer((socket) => {
          socket.on('error', () => undefined);
          socket.on('data', (chunk: Buffer) => {
            // One reply for each command of the chunk (RESP: `*<parts>` opens one).
            const commands = chunk.toString().match(/^\*\d+/gm) ?? [];
            socket.write(reply.repeat(commands.length));
          });
        }),
      );
      expect((await examine({ REDIS_URL: `redis://127.0.0.1:${port}` })).of('redis')).toMatchObject({
        status: 'ok',
        message: `127.0.0.1:${port} answers`,
      });
      reply = '-WRONGPASS invalid username-password pair\r\n';
      const refused = await examine({ REDIS_URL: `redis://:hunter2@127.0.0.1:${port}` });
      expect([refused.code, refused.of('redis')]).toMatchObject([EXIT.problems, { status: 'fail' }]);
      expect(refused.stdout).not.toContain('hunter2');
      const away = await examine({ REDIS_URL: 'redis://127.0.0.1:1' });
      expect([away.code, away.of('redis')]).toMatchObject([
        EXIT.problems,
        { status: 'fail', message: expect.stringMatching(/ECONNREFUSED/) as unknown },
      ]);
    });
  });

  it('says that hashing is slow where the native binary is missing', async () => {
    const hide = `import Module from 'node:module'; const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => { if (name === '@node-rs/bcrypt') throw new Error('none');
      return resolve(name, ...rest); }`;
    expect((await examine(preload(hide))).of('bcrypt')).toMatchObject({ status: 'warn' });
  });
});

/** Where one end goes, the other goes too. */
function couple(one: Socket, other: Socket): void {
  for (const [end, counterpart] of [
    [one, other],
    [other, one],
  ] as const) {
    end.on('error', () => undefined);
    end.on('close', () => counterpart.destroy());
  }
}

/** The certificate that `smtp-server` brings for tests: of nobody, for nobody. */
function selfSigned(): { key: string; cert: string } {
  const options = require('smtp-server/lib/tls-options') as () => { key: string; cert: string };
  const { key, cert } = options();
  return { key, cert };
}
