import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import { Registry } from 'prom-client';
import { DataSource } from 'typeorm';
import { BreachWatch } from '../../src/auth/passwords/breach-watch';
import { MailService } from '../../src/mail/mail.service';
import { UsersService } from '../../src/users/users.service';
import { TestApp } from '../support/app';
import { freshEmail, loggedIn, login, PASSWORD, verified, type Actor } from '../support/actors';
import { MINUTE } from '../support/clock';
import { RangeApi, sha1, type Misbehaviour } from '../support/range-api';

const LEAKED = 'leaked horse 9 battery!';
const NEW_PASSWORD = 'another horse 8 battery!';

interface Refusal {
  code: string;
  errors?: { field: string; code: string; message: string }[];
}

describe('breached passwords', () => {
  const api = new RangeApi();
  let app: TestApp;
  let url: string;
  let count = 0;

  beforeAll(async () => {
    url = await api.listen();
    app = await TestApp.start({ env: { PASSWORD_BREACH_URL: url } });
    api.list(LEAKED);
  });
  afterAll(async () => {
    await app.close();
    await api.close();
  });
  beforeEach(() => {
    api.misbehaviour = undefined;
    api.questions.length = 0;
  });

  /** One that nobody has had in this file. */
  const freshPassword = () => `fresh horse ${++count} battery!`;
  const register = (password: string, email = freshEmail()) =>
    app.http.post<Refusal>('/api/auth/register', { email, password });
  const fields = ({ body }: { body: Refusal }) => body.errors?.map(({ field, code }) => [field, code]);
  const checks = async (of = app) => {
    const metric = of.nest.get(Registry).getSingleMetric('gatehouse_password_breach_checks_total')!;
    const { values } = await metric.get();
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.result), value]));
  };
  /** What an action adds to the counters. */
  const counted = async (action: () => Promise<unknown>) => {
    const before = await checks();
    await action();
    const after = await checks();
    const changes = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const);
    return Object.fromEntries(changes.filter(([, change]) => change !== 0));
  };
  const until = async (isDone: () => boolean | Promise<boolean>) => {
    const deadline = Date.now() + 10_000;
    while (!(await isDone())) {
      if (Date.now() > deadline) throw new Error('it did not happen within 10 s');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  describe('where a password is set', () => {
    it('refuses one at registration, and makes no account', async () => {
      const email = freshEmail();
      const answer = await register(LEAKED, email);
      expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
      expect(fields(answer)).toEqual([['password', 'breached']]);
      expect((await register(freshPassword(), email)).status).toBe(201);
    });

    it('sends five digits of the SHA-1 and nothing else about the password', async () => {
      await register(LEAKED);
      const [{ path, headers }] = api.questions as [(typeof api.questions)[0]];
      expect(path).toBe(`/range/${sha1(LEAKED).slice(0, 5)}`);
      expect(headers['add-padding']).toBe('true');
      expect(Object.keys(headers).sort()).toEqual(
        ['accept', 'accept-encoding', 'accept-language', 'add-padding', 'connection', 'host'].concat(
          'sec-fetch-mode',
          'user-agent',
        ),
      );
      expect(api.questions).toHaveLength(1);
    });

    it('refuses one at a reset, which leaves the link as it was', async () => {
      const actor = await verified(app);
      await app.http.post('/api/auth/reset-request', { email: actor.email });
      const { token } = await app.mailbox.waitFor(actor.email, 2);
      const confirm = (password: string) =>
        app.http.post<Refusal>('/api/auth/reset-confirm', { token, password });
      expect(fields(await confirm(LEAKED))).toEqual([['password', 'breached']]);
      expect((await confirm(NEW_PASSWORD)).status).toBe(200);
      await login(app, { ...actor, password: NEW_PASSWORD });
    });

    it('refuses one at a change, under the name of its field', async () => {
      const actor = await loggedIn(app);
      const change = (newPassword: string) =>
        app.http.post<Refusal>(
          '/api/auth/change-password',
          { currentPassword: PASSWORD, newPassword },
          actor,
        );
      expect(fields(await change(LEAKED))).toEqual([['newPassword', 'breached']]);
      expect((await change(NEW_PASSWORD)).status).toBe(200);
    });

    it('asks only about what keeps the other rules', async () => {
      api.list('Summer2026!');
      expect(fields(await register('Summer2026!'))).toEqual([['password', 'common_word']]);
      expect(api.questions).toEqual([]);
    });

    it('looks for the form that is hashed', async () => {
      api.list('caf\u00e9 horse 7 battery!');
      expect(fields(await register('cafe\u0301 horse 7 battery!'))).toEqual([['password', 'breached']]);
    });

    it('takes entries that nobody has seen for padding', async () => {
      const password = freshPassword();
      api.list(password, 0);
      expect((await register(password)).status).toBe(201);
      api.list(password, 10);
      expect(fields(await register(password))).toEqual([['password', 'breached']]);
    });

    it('reads lower case and bare line feeds too', async () => {
      const password = freshPassword();
      api.misbehaviour = (response) =>
        response.end(`${sha1('x').slice(5)}:1\n${sha1(password).slice(5)}:2\n`.toLowerCase());
      expect(fields(await register(password))).toEqual([['password', 'breached']]);
    });

    it('does not mistake another password of the range for it', async () => {
      const password = freshPassword();
      const other = sha1(password)
        .slice(5)
        .replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
      api.misbehaviour = (response) => response.end(`${other}:5`);
      expect((await register(password)).status).toBe(201);
    });

    it('counts what comes of it', async () => {
      expect(await counted(() => register(LEAKED))).toEqual({ breached: 1 });
      expect(await counted(() => register(freshPassword()))).toEqual({ clear: 1 });
      expect(await counted(() => register('short'))).toEqual({});
    });

    it('holds no connection of the database meanwhile', async () => {
      const waiting: (() => void)[] = [];
      api.misbehaviour = (response) => waiting.push(() => response.end(''));
      const answers = Promise.all(Array.from({ length: 20 }, () => register(freshPassword())));
      await until(() => waiting.length === 20);
      // Jobs have short transactions of their own; a request would have one for as long as it waits.
      let held = Infinity;
      for (let looks = 0; held > 0 && looks < 20; looks++)
        held = (
          await app.database.query(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
          )
        ).length;
      for (const answer of waiting) answer();
      expect(held).toBe(0);
      for (const { status } of await answers) expect(status).toBe(201);
    });
  });

  describe('while the list cannot be asked', () => {
    let other: RangeApi;
    let otherUrl: string;

    beforeAll(async () => {
      other = new RangeApi();
      otherUrl = await other.listen();
      other.list(LEAKED);
    });
    afterAll(() => other.close());
    beforeEach(async () => {
      // No pause and no failure is left of the test before.
      api.misbehaviour = undefined;
      app.clock.advance(MINUTE);
      await register(freshPassword());
    });

    const ranges = `${sha1(LEAKED).slice(5)}:7\r\n`;
    const bomb = gzipSync(Buffer.from(ranges.repeat(200_000)));
    const failures: [string, Misbehaviour][] = [
      ['says nothing', () => undefined],
      ['begins to answer and stops', (response) => response.writeHead(200).write(ranges)],
      ['answers 500', (response) => response.writeHead(500).end(ranges)],
      ['answers 404', (response) => response.writeHead(404).end(ranges)],
      ['answers 429', (response) => response.writeHead(429, { 'Retry-After': '2' }).end()],
      ['answers with a page', (response) => response.end(`<html>\r\n${ranges}</html>`)],
      ['answers with noise', (response) => response.end(Buffer.alloc(5_000, 0xff))],
      ['never stops answering', (response) => void forever(response)],
      [
        'answers with a bomb',
        (response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb),
      ],
      ['answers with half a line', (response) => response.end(`${ranges}ABC`)],
      ['hangs up', (response) => response.destroy()],
      ['redirects', (response) => response.writeHead(302, { Location: `${otherUrl}ABCDE` }).end()],
      ['redirects to itself', (response) => response.writeHead(307, { Location: url }).end()],
    ];

    it.each(failures)('lets a password pass that it %s about', async (_what, misbehaviour) => {
      api.misbehaviour = misbehaviour;
      const startedAt = performance.now();
      const results = await counted(async () => expect((await register(LEAKED)).status).toBe(201));
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      expect(results).toEqual({ failed: 1 });
      expect(other.questions).toEqual([]);
    });

    it('reads no more than a million bytes of an answer', async () => {
      let sent = 0;
      api.misbehaviour = (response) => void forever(response).then((bytes) => (sent = bytes));
      await register(LEAKED);
      await until(() => sent > 0);
      // What lies in buffers between the two is sent, but not read.
      expect(sent).toBeLessThan(12_000_000);
    });

    it('asks nothing for 30 s after three failures in a row', async () => {
      api.misbehaviour = () => undefined;
      for (let time = 1; time <= 3; time++)
        expect(await counted(() => register(freshPassword()))).toEqual({ failed: 1 });
      api.questions.length = 0;
      expect(await counted(() => register(LEAKED))).toEqual({ skipped: 1 });
      expect(api.questions).toEqual([]);

      app.clock.advance(31_000);
      expect(await counted(() => register(freshPassword()))).toEqual({ failed: 1 });
      // One failure more was enough.
      expect(await counted(() => register(freshPassword()))).toEqual({ skipped: 1 });

      app.clock.advance(31_000);
      api.misbehaviour = undefined;
      expect(await counted(() => register(LEAKED))).toEqual({ breached: 1 });
      api.misbehaviour = (response) => response.writeHead(500).end();
      expect(await counted(() => register(freshPassword()))).toEqual({ failed: 1 });
      api.misbehaviour = undefined;
      expect(await counted(() => register(LEAKED))).toEqual({ breached: 1 });
    });

    it('warns once a minute, of nothing that tells the password', async () => {
      const gone = new RangeApi();
      const goneUrl = await gone.listen();
      await gone.close();
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
      const fresh = await TestApp.start({ env: { PASSWORD_BREACH_URL: goneUrl } });
      const passwords = Array.from({ length: 20 }, freshPassword);
      for (const password of passwords)
        await fresh.http.post('/api/auth/register', { email: freshEmail(), password });
      expect(await checks(fresh)).toEqual({ failed: 3, skipped: 17 });
      const lines = warn.mock.calls.map(([line]) => line as Record<string, unknown>);
      const ours = lines.filter(({ event }) => event === 'password.breach_check_failed');
      warn.mockRestore();
      await fresh.close();
      expect(ours).toEqual([
        {
          event: 'password.breach_check_failed',
          reason: 'ECONNREFUSED',
          suppressed: 0,
          msg: expect.any(String),
        },
      ]);
      const text = JSON.stringify(lines).toUpperCase();
      for (const password of passwords) {
        expect(text).not.toContain(password.toUpperCase());
        expect(text).not.toContain(sha1(password).slice(0, 5));
      }
    });
  });

  describe('without PASSWORD_BREACH_URL', () => {
    it('asks nobody, at registration or at login', async () => {
      const silent = await TestApp.start();
      const spy = jest.spyOn(globalThis, 'fetch');
      const actor = await verified(silent);
      await login(silent, actor);
      const foreign = spy.mock.calls.filter(([target]) => !String(target).startsWith(silent.http.baseUrl));
      spy.mockRestore();
      expect(foreign).toEqual([]);
      expect(await checks(silent)).toEqual({});
      await silent.close();
    });
  });

  describe('POST /api/auth/login', () => {
    /** Someone whose password has turned up in a breach since it was chosen. */
    const withLeakedPassword = async (): Promise<Actor> => {
      const email = freshEmail();
      const password = freshPassword();
      await register(password, email);
      const { token } = await app.mailbox.waitFor(email);
      await app.http.post('/api/auth/verify', { token });
      api.list(password);
      return { id: '', email, password };
    };
    const toldAt = async (email: string) => {
      const [row] = await app.database.query<{ breach_told_at: Date | null }>(
        'SELECT breach_told_at FROM users WHERE email = $1',
        [email],
      );
      return row!.breach_told_at;
    };
    /** Waits until every look-up of logins so far has come to its end. */
    const lookedUp = (password: string, times: number) =>
      until(async () => api.timesAsked(password) === times && (await settled()));
    const settled = async () => {
      const before = await checks();
      await new Promise((resolve) => setTimeout(resolve, 250));
      return JSON.stringify(before) === JSON.stringify(await checks());
    };

    beforeEach(() => app.clock.advance(MINUTE));

    it('lets the owner in and sends a letter with a link to a new password', async () => {
      const actor = await withLeakedPassword();
      expect(
        await counted(async () => {
          await login(app, actor);
          await app.mailbox.waitFor(actor.email, 2);
        }),
      ).toEqual({ breached: 1 });
      const letter = app.mailbox.to(actor.email)[1]!;
      expect(letter.subject).toBe('Please choose a new password');
      expect(letter.text).toContain('http://localhost:3000/reset-password#token=');
      const { status } = await app.http.post('/api/auth/reset-confirm', {
        token: letter.token,
        password: NEW_PASSWORD,
      });
      expect(status).toBe(200);
      await login(app, { ...actor, password: NEW_PASSWORD });
      const audit = await app.database.query(
        `SELECT count(*)::int AS count FROM audit_events JOIN users ON users.id = user_id
         WHERE email = $1 AND action = 'password.breach_found' AND ip IS NOT NULL`,
        [actor.email],
      );
      expect(audit).toEqual([{ count: 1 }]);
    });

    it('does not wait for the look-up', async () => {
      const actor = await withLeakedPassword();
      api.misbehaviour = () => undefined;
      // Nothing has come of it yet when the answer is there.
      expect(await counted(() => login(app, actor))).toEqual({});
      await lookedUp(actor.password, 2);
      expect(await toldAt(actor.email)).toBeNull();
      // What was missed is made up for at the next login.
      api.misbehaviour = undefined;
      await login(app, actor);
      await app.mailbox.waitFor(actor.email, 2);
    });

    it('tells once for a password, however often it is used, and asks no more', async () => {
      const actor = await withLeakedPassword();
      await login(app, actor);
      await app.mailbox.waitFor(actor.email, 2);
      const asked = api.timesAsked(actor.password);
      for (let time = 0; time < 5; time++) await login(app, actor);
      await settled();
      expect(api.timesAsked(actor.password)).toBe(asked);
      expect(app.mailbox.to(actor.email)).toHaveLength(2);
    });

    it('tells once of 50 parallel logins', async () => {
      const actor = await withLeakedPassword();
      await Promise.all(Array.from({ length: 50 }, () => login(app, actor)));
      await app.mailbox.waitFor(actor.email, 2);
      await until(settled);
      expect(app.mailbox.to(actor.email)).toHaveLength(2);
      const jobs = await app.database.query(
        `SELECT 1 FROM pgboss.job JOIN users ON users.id::text = data->>'userId'
         WHERE email = $1 AND data->>'template' = 'password-breached'`,
        [actor.email],
      );
      expect(jobs).toHaveLength(1);
    });

    it('tells again of the next password', async () => {
      const actor = await withLeakedPassword();
      await login(app, actor);
      const { token } = await app.mailbox.waitFor(actor.email, 2);
      const next = freshPassword();
      await app.http.post('/api/auth/reset-confirm', { token, password: next });
      expect(await toldAt(actor.email)).toBeNull();
      api.list(next);
      await login(app, { ...actor, password: next });
      // The letter about the reset came in between.
      const letter = await app.mailbox.waitFor(actor.email, 4);
      expect(letter.subject).toBe('Please choose a new password');
    });

    it('does not tell again when the hash is upgraded', async () => {
      const actor = await withLeakedPassword();
      await login(app, actor);
      await app.mailbox.waitFor(actor.email, 2);
      const replica = await TestApp.start({
        env: { PASSWORD_BREACH_URL: url, BCRYPT_COST: '5' },
        database: app.database,
        clock: app.clock,
      });
      await login(replica, actor);
      await login(replica, actor);
      await settled();
      expect(await checks(replica)).toEqual({});
      await replica.close();
      expect(app.mailbox.to(actor.email)).toHaveLength(2);
    });

    it('leaves nothing of the password in the database', async () => {
      const actor = await withLeakedPassword();
      await login(app, actor);
      await app.mailbox.waitFor(actor.email, 2);
      const rows = await app.database.query<{ row: string }>(
        `SELECT job::text AS row FROM pgboss.job UNION ALL SELECT users::text FROM users
         UNION ALL SELECT audit_events::text FROM audit_events`,
      );
      const text = JSON.stringify(rows).toUpperCase();
      expect(text).toContain('PASSWORD-BREACHED');
      expect(text).not.toContain(actor.password.toUpperCase());
      expect(text).not.toContain(sha1(actor.password).slice(0, 10));
    });

    it('sends nothing to whoever has changed the password before the letter is written', async () => {
      const { id, email } = await verified(app);
      await app.nest
        .get(DataSource)
        .transaction((tx) => app.nest.get(MailService).enqueue('password-breached', id, {}, tx));
      await until(async () => {
        const done = await app.database.query(
          `SELECT 1 FROM pgboss.job WHERE data->>'userId' = $1 AND data->>'template' = 'password-breached'
           AND state = 'completed'`,
          [id],
        );
        return done.length === 1;
      });
      expect(app.mailbox.to(email)).toHaveLength(1);
    });

    it('asks nothing about wrong passwords and of accounts that may not log in', async () => {
      const { email } = await withLeakedPassword();
      const unverifiedEmail = freshEmail();
      const unverifiedPassword = freshPassword();
      await register(unverifiedPassword, unverifiedEmail);
      api.questions.length = 0;
      const tryLogin = (credentials: object) => app.http.post('/api/auth/login', credentials);
      expect((await tryLogin({ email, password: LEAKED })).status).toBe(401);
      expect((await tryLogin({ email: freshEmail(), password: LEAKED })).status).toBe(401);
      expect((await tryLogin({ email: unverifiedEmail, password: unverifiedPassword })).status).toBe(403);
      await settled();
      expect(api.questions).toEqual([]);
    });

    it('has 20 look-ups under way at most and skips the others', async () => {
      const { email } = await verified(app);
      const user = await app.nest.get(UsersService).findByEmail(email);
      const watch = app.nest.get(BreachWatch);
      const results = await counted(async () => {
        const total = async () => Object.values(await checks()).reduce((sum, value) => sum + value, 0);
        const before = await total();
        // All in one moment: over HTTP the first may have come to their end before the last begin.
        for (let time = 0; time < 50; time++)
          watch.afterLogin(user!, freshPassword(), { ip: '127.0.0.1' } as never);
        await until(async () => (await total()) === before + 50);
      });
      // On a busy machine an answer can come too late; it was under way all the same.
      const { clear = 0, failed = 0, skipped } = results as Record<string, number | undefined>;
      expect([clear + failed, skipped]).toEqual([20, 30]);
    });

    it('finishes what is under way before the process ends', async () => {
      const actor = await withLeakedPassword();
      const replica = await TestApp.start({
        env: { PASSWORD_BREACH_URL: url },
        database: app.database,
        clock: app.clock,
      });
      api.misbehaviour = (response) =>
        void setTimeout(() => response.end(`${sha1(actor.password).slice(5)}:3`), 400);
      await login(replica, actor);
      await replica.close();
      expect(await toldAt(actor.email)).not.toBeNull();
    });
  });
});

/** Writes lines of the right form as fast as they are taken. Resolves to their bytes when the connection ends. */
async function forever(response: ServerResponse): Promise<number> {
  const lines = Buffer.from(`${sha1('x').slice(5)}:1\r\n`.repeat(2_000));
  const closed = new Promise((resolve) => response.on('close', resolve));
  response.on('error', () => undefined);
  let bytes = 0;
  while (!response.destroyed) {
    bytes += lines.length;
    const isTaken = response.write(lines);
    const drained = new Promise((resolve) => response.once('drain', resolve));
    await (isTaken ? new Promise((resolve) => setImmediate(resolve)) : Promise.race([closed, drained]));
  }
  return bytes;
}
