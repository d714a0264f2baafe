import { setTimeout as sleep } from 'node:timers/promises';
import { loggedIn, login, PASSWORD, verified, type LoggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { DAY, MINUTE } from '../support/clock';
import type { Answer } from '../support/http';
import { SessionTokens } from '../../src/sessions/session-tokens';

const SECOND = 1000;
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  code: string;
}

describe('refresh', () => {
  let app: TestApp;
  let replica: TestApp;
  const more: TestApp[] = [];

  beforeAll(async () => {
    app = await TestApp.start();
    replica = await TestApp.start({ database: app.database, clock: app.clock });
  });
  afterEach(async () => {
    for (const one of more.splice(0)) await one.close();
  });
  afterAll(async () => {
    await replica.close();
    await app.close();
  });

  /** One more process on the same database. */
  const start = async (env: Record<string, string> = {}) => {
    const one = await TestApp.start({ database: app.database, clock: app.clock, env });
    more.push(one);
    return one;
  };

  const refresh = (refreshToken: unknown, on = app) =>
    on.http.post<Tokens>('/api/auth/refresh', { refresh_token: refreshToken });
  const profile = (token: string, on = app) => on.http.get('/api/auth/profile', { token });

  /** The tokens after a refresh that works. */
  const rotate = async (refreshToken: string, on = app) => {
    const { status, body } = await refresh(refreshToken, on);
    expect(status).toBe(200);
    return { token: body.access_token, refreshToken: body.refresh_token };
  };
  const generationsOf = async (userId: string) => {
    const rows = await app.database.query<{ generation: number }>(
      'SELECT generation FROM sessions WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at, id',
      [userId],
    );
    return rows.map(({ generation }) => generation);
  };
  const isOver = async (...all: { token: string; refreshToken: string }[]) => {
    for (const { token, refreshToken } of all) {
      expect(outcome(await profile(token))).toEqual([401, 'session_revoked']);
      expect(outcome(await refresh(refreshToken))).toEqual([401, 'token_invalid']);
    }
  };

  describe('POST /api/auth/refresh', () => {
    it('answers with new tokens of the same session', async () => {
      const first = await loggedIn(app);
      const { status, body, headers } = await refresh(first.refreshToken);
      expect(status).toBe(200);
      expect(body).toEqual({
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        refresh_token: expect.stringMatching(/^ghr_[\w-]{91}$/),
        user: expect.objectContaining({ id: first.id, email: first.email }),
      });
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body.refresh_token).not.toBe(first.refreshToken);
      expect(claimsOf(body.access_token)).toMatchObject({ sub: first.id, sid: claimsOf(first.token).sid });
      expect(claimsOf(body.access_token).jti).not.toBe(claimsOf(first.token).jti);
      expect((await profile(body.access_token)).status).toBe(200);
      expect((await refresh(body.refresh_token)).status).toBe(200);
      expect(await generationsOf(first.id)).toEqual([2]);
    });

    it('leaves the access token before it alone until that runs out', async () => {
      const first = await loggedIn(app);
      app.clock.advance(10 * MINUTE);
      const second = await rotate(first.refreshToken);
      expect((await profile(first.token)).status).toBe(200);
      app.clock.advance(5 * MINUTE + SECOND);
      expect(outcome(await profile(first.token))).toEqual([401, 'token_expired']);
      expect((await profile(second.token)).status).toBe(200);
    });

    it('gives access tokens 95 to 100 % of their lifetime, each another one', async () => {
      let { refreshToken } = await loggedIn(app);
      const lifetimes = new Set<number>();
      for (let round = 0; round < 20; round++) {
        const { body } = await refresh(refreshToken);
        const { iat, exp } = claimsOf(body.access_token);
        expect(body.expires_in).toBe(exp - iat);
        expect(body.expires_in).toBeGreaterThanOrEqual(855);
        expect(body.expires_in).toBeLessThanOrEqual(900);
        lifetimes.add(body.expires_in);
        refreshToken = body.refresh_token;
      }
      expect(lifetimes.size).toBeGreaterThan(3);
    });

    it('needs no access token, and none that is sent changes it', async () => {
      const first = await loggedIn(app);
      const { status } = await app.http.post(
        '/api/auth/refresh',
        { refresh_token: first.refreshToken },
        { headers: { Authorization: 'Bearer x' } },
      );
      expect(status).toBe(200);
    });

    it('moves the end of the session to 7 days from now', async () => {
      let { refreshToken } = await loggedIn(app);
      for (let week = 0; week < 3; week++) {
        app.clock.advance(7 * DAY - MINUTE);
        ({ refreshToken } = await rotate(refreshToken));
      }
      app.clock.advance(7 * DAY + SECOND);
      expect(outcome(await refresh(refreshToken))).toEqual([401, 'token_expired']);
    });

    it('never moves it beyond 30 days from the login, nor does an access token live longer', async () => {
      let { refreshToken } = await loggedIn(app);
      for (let round = 0; round < 5; round++) {
        app.clock.advance(6 * DAY - MINUTE);
        ({ refreshToken } = await rotate(refreshToken));
      }
      const { body } = await refresh(refreshToken);
      expect(body.expires_in).toBeLessThanOrEqual(300);
      app.clock.advance(5 * MINUTE);
      expect(outcome(await profile(body.access_token))).toEqual([401, 'token_expired']);
      expect(outcome(await refresh(body.refresh_token))).toEqual([401, 'token_expired']);
    });

    it('keeps to SESSION_TTL and SESSION_MAX_TTL', async () => {
      const short = await start({ SESSION_TTL: '1h', SESSION_MAX_TTL: '90m', ACCESS_TOKEN_TTL: '10m' });
      const first = await loggedIn(app);
      const idle = await login(short, first);
      let { refreshToken } = await login(short, first);
      app.clock.advance(59 * MINUTE);
      ({ refreshToken } = await rotate(refreshToken, short));
      app.clock.advance(2 * MINUTE);
      expect(outcome(await refresh(idle.refreshToken, short))).toEqual([401, 'token_expired']);
      ({ refreshToken } = await rotate(refreshToken, short));
      app.clock.advance(30 * MINUTE);
      expect(outcome(await refresh(refreshToken, short))).toEqual([401, 'token_expired']);
    });

    it('works on another replica and after a restart', async () => {
      const first = await loggedIn(app);
      const second = await rotate(first.refreshToken, replica);
      expect((await profile(second.token)).status).toBe(200);
      const third = await rotate(second.refreshToken);
      expect((await profile(third.token, replica)).status).toBe(200);
      const restarted = await start();
      const fourth = await rotate(third.refreshToken, restarted);
      expect((await profile(fourth.token, restarted)).status).toBe(200);
      expect(outcome(await refresh(first.refreshToken, restarted))).toEqual([401, 'refresh_token_reused']);
      // The others hear of it in some milliseconds (replicas.e2e-spec.ts measures how many).
      while ((await profile(fourth.token)).status === 200) await sleep(5);
      await isOver(first, second, third, fourth);
    });

    it('keeps a session going past 100 later logins that have run out', async () => {
      const first = await loggedIn(app);
      for (let count = 0; count < 100; count++) await login(app, first);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'token_invalid']);

      const { refreshToken } = await login(app, first);
      for (let count = 0; count < 99; count++) await login(app, first);
      app.clock.advance(6 * DAY);
      const second = await rotate(refreshToken);
      app.clock.advance(2 * DAY);
      await login(app, first);
      expect((await refresh(second.refreshToken)).status).toBe(200);
    });

    it('shows the address and device of the latest refresh', async () => {
      const first = await loggedIn(app);
      const { body } = await app.http.post<Tokens>(
        '/api/auth/refresh',
        { refresh_token: first.refreshToken },
        { headers: { 'User-Agent': FIREFOX } },
      );
      const devices = await app.http.get<object[]>('/api/auth/sessions', { token: body.access_token });
      expect(devices.body).toEqual([expect.objectContaining({ device: 'Firefox on Windows' })]);
    });
  });

  describe('POST /api/auth/refresh with the token before the newest', () => {
    it('gives the same successor again, at any later time, while the newest was never used', async () => {
      const first = await loggedIn(app);
      const second = await rotate(first.refreshToken);
      for (const later of [5 * SECOND, 5 * MINUTE, 6 * DAY]) {
        app.clock.advance(later);
        const again = await rotate(first.refreshToken);
        expect(again.refreshToken).toBe(second.refreshToken);
      }
      expect(await generationsOf(first.id)).toEqual([1]);
      const again = await rotate(first.refreshToken);
      expect((await profile(again.token)).status).toBe(200);
      expect((await refresh(again.refreshToken)).status).toBe(200);
    });

    it('gives the same successor again within 10 seconds, though the newest was used', async () => {
      const first = await loggedIn(app);
      const second = await rotate(first.refreshToken);
      expect((await profile(second.token)).status).toBe(200);
      app.clock.advance(8 * SECOND);
      expect((await rotate(first.refreshToken)).refreshToken).toBe(second.refreshToken);
      expect(await generationsOf(first.id)).toEqual([1]);
    });

    it('answers 401 refresh_token_reused after 10 seconds where the newest was used', async () => {
      const first = await loggedIn(app);
      const second = await rotate(first.refreshToken);
      expect((await profile(second.token)).status).toBe(200);
      app.clock.advance(10 * SECOND);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'refresh_token_reused']);
      await isOver(first, second);
    });

    it('counts the 10 seconds from the rotation, not from the last repetition', async () => {
      const first = await loggedIn(app);
      const { token } = await rotate(first.refreshToken);
      expect((await profile(token)).status).toBe(200);
      app.clock.advance(6 * SECOND);
      await rotate(first.refreshToken);
      app.clock.advance(4 * SECOND);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'refresh_token_reused']);
    });

    it('counts a use of the newest on another replica', async () => {
      const first = await loggedIn(app);
      expect((await profile(first.token, replica)).status).toBe(200);
      const { token } = await rotate(first.refreshToken);
      expect((await profile(token, replica)).status).toBe(200);
      app.clock.advance(10 * SECOND);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'refresh_token_reused']);
    });

    it('counts a use of the successor that was given again', async () => {
      const first = await loggedIn(app);
      await rotate(first.refreshToken);
      app.clock.advance(MINUTE);
      const { token } = await rotate(first.refreshToken);
      expect((await profile(token)).status).toBe(200);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'refresh_token_reused']);
    });

    it('does not count a use of the access token before', async () => {
      const first = await loggedIn(app);
      const second = await rotate(first.refreshToken);
      expect((await profile(first.token)).status).toBe(200);
      app.clock.advance(MINUTE);
      expect((await profile(first.token)).status).toBe(200);
      expect((await rotate(first.refreshToken)).refreshToken).toBe(second.refreshToken);
    });

    it('forgives it in every generation, not only the first', async () => {
      let current = await loggedIn(app).then(({ refreshToken }) => ({ refreshToken, token: '' }));
      for (let generation = 0; generation < 4; generation++) {
        const next = await rotate(current.refreshToken);
        app.clock.advance(MINUTE);
        expect((await rotate(current.refreshToken)).refreshToken).toBe(next.refreshToken);
        current = next;
      }
    });
  });

  describe('POST /api/auth/refresh with an older token', () => {
    it.each([
      ['two generations behind', 2, 0],
      ['three generations behind', 3, 0],
      ['two generations behind, days later', 2, 3 * DAY],
    ])('answers 401 refresh_token_reused and ends the session: %s', async (_, rotations, later) => {
      const all: { token: string; refreshToken: string }[] = [await loggedIn(app)];
      for (let count = 0; count < rotations; count++) all.push(await rotate(all.at(-1)!.refreshToken));
      app.clock.advance(later);
      const answer = await refresh(all[0]!.refreshToken);
      expect(outcome(answer)).toEqual([401, 'refresh_token_reused']);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="gatehouse"/);
      for (const { refreshToken } of all)
        expect(outcome(await refresh(refreshToken))).toEqual([401, 'token_invalid']);
      // An access token that has run out meanwhile says so first.
      const code = later ? 'token_expired' : 'session_revoked';
      for (const { token } of all) expect(outcome(await profile(token))).toEqual([401, code]);
    });

    it('ends it on every replica', async () => {
      const first = await loggedIn(app);
      const second = await rotate(first.refreshToken);
      const third = await rotate(second.refreshToken);
      expect((await profile(third.token, replica)).status).toBe(200);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'refresh_token_reused']);
      await eventually(async () => (await profile(third.token, replica)).status === 401);
    });

    it('recognises either of two rotations within one second', async () => {
      const actor = await verified(app);
      for (const replayed of [0, 1]) {
        const first = await login(app, actor);
        const second = await rotate(first.refreshToken);
        const third = await rotate(second.refreshToken);
        expect((await profile(third.token)).status).toBe(200);
        // Both are older than the newest; of the one before it, that becomes theft only after the 10 seconds.
        if (replayed === 1) app.clock.advance(10 * SECOND);
        const old = [first, second][replayed]!;
        expect(outcome(await refresh(old.refreshToken))).toEqual([401, 'refresh_token_reused']);
        await isOver(first, second, third);
      }
    });

    it('leaves the other sessions of the user alone', async () => {
      const first = await loggedIn(app);
      const other = await login(app, first);
      const second = await rotate(first.refreshToken);
      await rotate(second.refreshToken);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'refresh_token_reused']);
      expect((await profile(other.token)).status).toBe(200);
      expect((await refresh(other.refreshToken)).status).toBe(200);
    });

    it('records it, and writes to the owner once, without a secret', async () => {
      const { email, id } = await verified(app);
      const { body: first } = await app.http.post<Tokens>(
        '/api/auth/login',
        { email, password: PASSWORD },
        { headers: { 'User-Agent': 'curl/8.5.0' } },
      );
      const use = async (refreshToken: string) => {
        const { body } = await app.http.post<Tokens>(
          '/api/auth/refresh',
          { refresh_token: refreshToken },
          { headers: { 'User-Agent': FIREFOX } },
        );
        return body;
      };
      const second = await use(first.refresh_token);
      const third = await use(second.refresh_token);
      const replays = [first, first, second, third].map(({ refresh_token: token }) => token);
      expect((await use(replays[0]!)).code).toBe('refresh_token_reused');
      for (const token of replays) expect((await use(token)).code).toBe('token_invalid');

      const events = await app.database.query<{ action: string; sid: string }>(
        `SELECT action, session_id AS sid FROM audit_events WHERE user_id = $1
         AND (action = 'session.revoked' OR action LIKE 'refresh%') ORDER BY action`,
        [id],
      );
      const { sid } = claimsOf(first.access_token);
      expect(events).toEqual([
        { action: 'refresh.reused', sid },
        { action: 'session.revoked', sid },
      ]);

      const subject = 'A device was signed out of your account';
      const letters = () => app.mailbox.to(email).filter((letter) => letter.subject === subject);
      await eventually(async () => letters().length > 0, 15_000);
      for (const text of [letters()[0]!.text, letters()[0]!.html]) {
        expect(text).toContain('Firefox on Windows');
        expect(text).toContain('127.0.0.1');
        for (const secret of [...replays, third.access_token, sid, 'ghr_'])
          expect(text).not.toContain(secret);
      }
      expect(letters()).toHaveLength(1);
      expect(await lettersAbout(id)).toBe(1);
    });

    it('records and writes it once where it is presented 20 times at once', async () => {
      const first = await loggedIn(app);
      await rotate((await rotate(first.refreshToken)).refreshToken);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => refresh(first.refreshToken, index % 2 ? app : replica)),
      );
      const codes = answers.map(({ body }) => body.code).sort();
      expect(codes).toEqual(['refresh_token_reused', ...Array<string>(19).fill('token_invalid')]);
      expect(await lettersAbout(first.id)).toBe(1);
    });

    const lettersAbout = async (userId: string) => {
      const jobs = await app.database.query(
        `SELECT 1 FROM pgboss.job WHERE name = 'mail' AND data->>'template' = 'refresh-reused' AND data->>'userId' = $1`,
        [userId],
      );
      return jobs.length;
    };
  });

  describe('POST /api/auth/refresh for an account that may not log in', () => {
    it.each([
      ['disabled', 'is_active = false', 'is_active = true'],
      ['no longer verified', 'email_verified_at = NULL', 'email_verified_at = now()'],
    ])(
      'answers 401 token_invalid to one that is %s, and the session is over for good',
      async (_, off, on) => {
        const first = await loggedIn(app);
        const set = (change: string) =>
          app.database.query(`UPDATE users SET ${change} WHERE id = $1`, [first.id]);
        await set(off);
        expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'token_invalid']);
        await set(on);
        await isOver(first);
      },
    );

    it('answers 401 token_invalid to one that is deleted', async () => {
      const first = await loggedIn(app);
      await app.database.query('DELETE FROM users WHERE id = $1', [first.id]);
      expect(outcome(await refresh(first.refreshToken))).toEqual([401, 'token_invalid']);
    });

    it('goes on for an unverified one where EMAIL_VERIFICATION is off', async () => {
      const lenient = await start({ EMAIL_VERIFICATION: 'off' });
      const first = await loggedIn(app);
      await app.database.query('UPDATE users SET email_verified_at = NULL WHERE id = $1', [first.id]);
      expect((await refresh(first.refreshToken, lenient)).status).toBe(200);
    });
  });

  describe('POST /api/auth/refresh with what is no refresh token', () => {
    let victim: LoggedIn;
    let bytes: Buffer;

    beforeAll(async () => {
      const first = await loggedIn(app);
      victim = { ...first, ...(await rotate(first.refreshToken)) };
      bytes = Buffer.from(victim.refreshToken.slice(4), 'base64url');
    });
    /** Whatever was tried: the session is where it was. */
    const isUntouched = async () => {
      expect(await generationsOf(victim.id)).toEqual([1]);
      expect((await profile(victim.token)).status).toBe(200);
    };
    afterEach(isUntouched);
    afterAll(() => rotate(victim.refreshToken));

    const refused = async (token: string) => {
      const answer = await refresh(token);
      expect([token, ...outcome(answer)]).toEqual([token, 401, 'token_invalid']);
    };
    const written = (content: Buffer) => `ghr_${content.toString('base64url')}`;

    it('answers 401 token_invalid whichever byte is changed', async () => {
      for (let index = 0; index < bytes.length; index++) {
        const changed = Buffer.from(bytes);
        changed[index]! ^= 1;
        await refused(written(changed));
      }
    });

    it('answers 401 token_invalid when it is cut off or added to', async () => {
      const { refreshToken } = victim;
      for (const end of [1, 2, 3, 4, 20, 60, 94]) await refused(refreshToken.slice(0, end));
      for (const more of ['A', 'AA', '=', '==', '.', refreshToken]) await refused(refreshToken + more);
      await refused(written(bytes.subarray(0, -16)));
      await refused(written(Buffer.concat([bytes, bytes])));
    });

    it('answers 401 token_invalid to another spelling of the same bytes', async () => {
      const { refreshToken } = victim;
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const last = alphabet.indexOf(refreshToken.at(-1)!);
      for (const bits of [1, 2, 3]) {
        const other = refreshToken.slice(0, -1) + alphabet[last | bits];
        expect(Buffer.from(other.slice(4), 'base64url').equals(bytes)).toBe(true);
        await refused(other);
      }
      await refused(` ${refreshToken}`);
      await refused(`${refreshToken}\n`);
      await refused(`${refreshToken.slice(0, 40)} ${refreshToken.slice(40)}`);
      await refused(refreshToken.replace('ghr_', 'GHR_'));
      await refused(refreshToken.slice(4));
      await refused(refreshToken.replace('ghr_', 'ghs_'));
      await refused(`Bearer ${refreshToken}`);
      await refused(`ghr_${bytes.toString('hex')}`);
      await refused(`ghr_${bytes.toString('base64')}`);
    });

    it('answers 401 token_invalid to the alphabet of plain base64', async () => {
      const actor = await loggedIn(app);
      let { refreshToken } = actor;
      while (!/[-_]/.test(refreshToken.slice(4))) ({ refreshToken } = await login(app, actor));
      await refused(`ghr_${refreshToken.slice(4).replaceAll('-', '+').replaceAll('_', '/')}`);
      expect((await refresh(refreshToken)).status).toBe(200);
    });

    it('answers 401 token_invalid to one that another secret has signed', async () => {
      const stranger = await start({ JWT_SECRET: 'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV' });
      const forger = stranger.nest.get(SessionTokens, { strict: false });
      await refused(forger.encodeRefresh(app.nest.get(SessionTokens).decodeRefresh(victim.refreshToken)!));
    });

    it('answers 401 token_invalid to a signed one with another secret or a generation to come', async () => {
      const tokens = app.nest.get(SessionTokens, { strict: false });
      const content = tokens.decodeRefresh(victim.refreshToken)!;
      expect(tokens.encodeRefresh(content)).toBe(victim.refreshToken);
      await refused(tokens.encodeRefresh({ ...content, secret: Buffer.alloc(32) }));
      await refused(tokens.encodeRefresh({ ...content, generation: 0, secret: Buffer.alloc(32) }));
      for (const generation of [2, 3, 2 ** 32 - 1])
        await refused(tokens.encodeRefresh({ ...content, generation }));
    });

    it('answers 401 token_invalid to an access token, a cookie and a token of a cookie session', async () => {
      const { headers } = await app.http.post('/api/auth/login', {
        email: victim.email,
        password: PASSWORD,
        transport: 'cookie',
      });
      const cookie = /^session=([^;]+)/.exec(headers.get('set-cookie')!)![1]!;
      await refused(victim.token);
      await refused(cookie);
      await refused(cookie.replace('ghs_', 'ghr_'));
      const tokens = app.nest.get(SessionTokens, { strict: false });
      const { sessionId } = tokens.decodeCookie(cookie)!;
      const secret = Buffer.from(cookie.slice('ghs_'.length), 'base64url').subarray(-32);
      await refused(tokens.encodeRefresh({ sessionId, secret, generation: 0 }));
      await app.database.query('DELETE FROM sessions WHERE id = $1', [sessionId]);
    });

    it.each(['', 'x', 'ghr_', 'ghr_====', 'null', '\u0000', '💥', "' OR 1=1 --", 'ghr_' + 'A'.repeat(91)])(
      'answers 401 token_invalid to %j',
      refused,
    );

    it.each([
      ['nothing', undefined],
      ['null', null],
      ['a number', 7],
      ['true', true],
      ['a list', ['ghr_x']],
      ['an object', { $ne: '' }],
      ['513 characters', 'x'.repeat(513)],
    ])('answers 400 validation_failed to %s', async (_, token) => {
      expect(outcome(await refresh(token))).toEqual([400, 'validation_failed']);
    });

    it('answers 400 validation_failed to a list that holds a good one', async () => {
      expect(outcome(await refresh([victim.refreshToken]))).toEqual([400, 'validation_failed']);
    });

    it('answers 400 to no body, and to a field too many', async () => {
      expect((await app.http.post('/api/auth/refresh')).status).toBe(400);
      const body = { refresh_token: victim.refreshToken, session_id: claimsOf(victim.token).sid };
      expect(outcome(await app.http.post('/api/auth/refresh', body))).toEqual([400, 'validation_failed']);
    });
  });

  describe('POST /api/auth/refresh, many at once', () => {
    it('takes one step for 50 of the same token: every answer brings the same successor, one branch lives', async () => {
      const first = await loggedIn(app);
      const second = await rotate(first.refreshToken);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => refresh(second.refreshToken, index % 2 ? app : replica)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
      const successors = new Set(answers.map(({ body }) => body.refresh_token));
      expect([...successors].map(generationIn)).toEqual([2]);
      const generations = answers.map(({ body }) => claimsOf(body.access_token).jti.split('.')[1]);
      expect(new Set(generations)).toEqual(new Set(['2']));
      expect(await generationsOf(first.id)).toEqual([2]);
      for (const { body } of answers) expect((await profile(body.access_token)).status).toBe(200);
      const [successor] = successors;
      expect(generationIn((await rotate(successor!)).refreshToken)).toBe(3);
    });

    it('lets nothing survive a logout that races a refresh, 50 times', async () => {
      const actor = await verified(app);
      const race = async (index: number) => {
        const first = await login(app, actor);
        const end = () => app.http.post('/api/auth/logout', undefined, { token: first.token });
        const both =
          index % 2
            ? [end(), refresh(first.refreshToken, replica)]
            : [refresh(first.refreshToken, replica), end()];
        const answers = (await Promise.all(both)) as Answer<Partial<Tokens>>[];
        const refreshed = answers.find(({ body }) => body.refresh_token);
        return { first, statuses: answers.map(({ status }) => status).sort(), refreshed: refreshed?.body };
      };
      const races = await Promise.all(Array.from({ length: 50 }, (_, index) => race(index)));
      for (const { first, statuses, refreshed } of races) {
        expect(statuses).toEqual(refreshed ? [200, 200] : [200, 401]);
        await isOver(first);
        if (refreshed)
          await isOver({ token: refreshed.access_token!, refreshToken: refreshed.refresh_token! });
      }
      expect(await generationsOf(actor.id)).toEqual([]);
      // Otherwise there was no race.
      expect(races.some(({ refreshed }) => refreshed)).toBe(true);
    });

    it('never fails where a refresh and a reuse race: one of the two orders, then the session is over', async () => {
      const actor = await verified(app);
      const race = async () => {
        const first = await login(app, actor);
        const second = await rotate(first.refreshToken);
        const third = await rotate(second.refreshToken);
        const answers = await Promise.all([
          ...[1, 2, 3].map(() => refresh(third.refreshToken)),
          ...[1, 2, 3].map(() => refresh(first.refreshToken, replica)),
        ]);
        return { answers, all: [first, second, third] };
      };
      const races = await Promise.all(Array.from({ length: 20 }, race));
      for (const { answers, all } of races) {
        const codes = answers.map(({ status, body }) => body.code ?? status);
        expect([200, 'token_invalid']).toEqual(expect.arrayContaining(codes.slice(0, 3)));
        expect(codes.slice(3).sort()).toEqual(['refresh_token_reused', 'token_invalid', 'token_invalid']);
        const won = answers.filter(({ status }) => status === 200).map(({ body }) => body);
        const obtained = won.map((body) => ({ token: body.access_token, refreshToken: body.refresh_token }));
        await eventually(async () => (await profile(all[2]!.token)).status === 401);
        await isOver(...all, ...obtained);
      }
    });
  });
});

function outcome({ status, body }: Answer<{ code?: unknown }>): [number, unknown] {
  return [status, body.code];
}

interface Claims {
  sub: string;
  sid: string;
  jti: string;
  iat: number;
  exp: number;
}

function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Claims;
}

function generationIn(refreshToken: string): number {
  return Buffer.from(refreshToken.slice('ghr_'.length), 'base64url').readUInt32BE(16);
}

/** What one replica does is known to the other a moment later. */
async function eventually(probe: () => Promise<boolean>, timeout = 2_000): Promise<void> {
  for (const deadline = Date.now() + timeout; !(await probe()); await sleep(10))
    if (Date.now() > deadline) throw new Error(`it has not come true within ${timeout} ms`);
}
