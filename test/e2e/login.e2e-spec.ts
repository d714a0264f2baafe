import { createHmac, createHash } from 'node:crypto';
import { TestApp, TEST_SECRET } from '../support/app';
import { freshEmail, loggedIn, login, PASSWORD, unverified, verified } from '../support/actors';
import { DAY, MINUTE } from '../support/clock';
import { PasswordHasher } from '../../src/auth/passwords/password-hasher';

describe('login', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const attempt = (email: unknown, password: unknown, more: object = {}) =>
    app.http.post<Record<string, unknown>>('/api/auth/login', { email, password, ...more });
  const profile = (token?: string) => app.http.get('/api/auth/profile', { token });

  describe('POST /api/auth/login', () => {
    it('answers with the tokens of a new session', async () => {
      const { email, id } = await verified(app);
      const { status, body, headers } = await attempt(email, PASSWORD);
      expect(status).toBe(200);
      expect(body).toEqual({
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        refresh_token: expect.stringMatching(/^ghr_/),
        user: expect.objectContaining({ id, email, emailVerified: true }),
      });
      expect(headers.get('cache-control')).toBe('no-store');
    });

    it('signs an access token of type at+jwt with the claims of the contract', async () => {
      const { token, id, email } = await loggedIn(app);
      const [header, claims = {}] = token.split('.').slice(0, 2).map(decoded);
      expect(header).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: expect.any(String) });
      expect(claims).toEqual({
        iss: 'http://localhost:3000',
        aud: 'http://localhost:3000',
        sub: id,
        email,
        sid: expect.any(String),
        jti: expect.any(String),
        iat: expect.any(Number),
        exp: expect.any(Number),
      });
      // 15 minutes, up to 5 % less so that fleets of clients do not refresh together.
      expect(claims.exp! - claims.iat!).toBeGreaterThanOrEqual(855);
      expect(claims.exp! - claims.iat!).toBeLessThanOrEqual(900);
    });

    it('keeps of the session secret only a hash', async () => {
      const { refreshToken } = await loggedIn(app);
      const secret = Buffer.from(refreshToken.slice(4), 'base64url').subarray(20, 52);
      const rows = await app.database.query('SELECT 1 FROM sessions WHERE secret_hash = $1', [
        createHash('sha256').update(secret).digest(),
      ]);
      expect(rows).toHaveLength(1);
      const all = await app.database.query<{ all: string }>(
        'SELECT json_agg(s)::text AS all FROM sessions s',
      );
      expect(all[0]!.all).not.toContain(secret.toString('hex'));
    });

    it('accepts the address in any letter case', async () => {
      const { email } = await verified(app);
      expect((await attempt(email.toUpperCase(), PASSWORD)).status).toBe(200);
    });

    it('takes no password from the address, which others write down', async () => {
      const { email } = await verified(app);
      const inQuery = `/api/auth/login?password=${encodeURIComponent(PASSWORD)}`;
      const { status, body } = await app.http.post<{ code: string }>(inQuery, { email, password: '' });
      expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    });

    it('answers one and the same 401 for a wrong password and an unknown address', async () => {
      const { email } = await verified(app);
      const wrong = await attempt(email, 'wrong horse 7 battery!');
      const unknown = await attempt('nobody@example.org', PASSWORD);
      for (const { status, body, headers } of [wrong, unknown]) {
        expect(status).toBe(401);
        expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
        expect(body).toMatchObject({ code: 'invalid_credentials', detail: 'Invalid email or password' });
      }
      expect({ ...wrong.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    });

    it('runs the hash for unknown addresses too', async () => {
      const verify = jest.spyOn(app.nest.get(PasswordHasher, { strict: false }), 'verify');
      await attempt('nobody@example.org', PASSWORD);
      expect(verify).toHaveBeenCalledTimes(1);
      verify.mockRestore();
    });

    it('tells an unverified account apart only after the right password', async () => {
      const { email } = await unverified(app);
      expect((await attempt(email, 'wrong horse 7 battery!')).body.code).toBe('invalid_credentials');
      const { status, body } = await attempt(email, PASSWORD);
      expect([status, body.code]).toEqual([403, 'email_not_verified']);
    });

    it('tells a disabled account apart only after the right password', async () => {
      const { email, id } = await verified(app);
      await app.database.query('UPDATE users SET is_active = false WHERE id = $1', [id]);
      expect((await attempt(email, 'wrong horse 7 battery!')).body.code).toBe('invalid_credentials');
      const { status, body } = await attempt(email, PASSWORD);
      expect([status, body.code]).toEqual([403, 'account_disabled']);
    });

    it.each([
      ['no body', undefined, undefined],
      ['an array as address', ['a@example.org'], PASSWORD],
      ['an object as password', 'a@example.org', { $gt: '' }],
      ['a password of 1025 characters', 'a@example.org', 'x'.repeat(1025)],
    ])('refuses %s with 400 validation_failed', async (_, email, password) => {
      const { status, body } = await attempt(email, password);
      expect([status, body.code]).toEqual([400, 'validation_failed']);
    });

    it.each(['userId', 'sub', 'id', 'remember'])('refuses an unknown field %s', async (field) => {
      const { status, body } = await attempt('a@example.org', PASSWORD, { [field]: 'x' });
      expect(status).toBe(400);
      expect(body.errors).toEqual([{ field, code: 'unknown_field', message: expect.any(String) }]);
    });

    it('records success and failure in the audit trail', async () => {
      const { email, id } = await verified(app);
      await attempt(email, 'wrong horse 7 battery!');
      await attempt(email, PASSWORD);
      const events = await app.database.query<{ action: string }>(
        'SELECT action FROM audit_events WHERE user_id = $1 ORDER BY created_at, id',
        [id],
      );
      expect(events.map(({ action }) => action)).toEqual([
        'account.registered',
        'email.verified',
        'login.failed',
        'login.succeeded',
      ]);
    });

    it('never lets an account that is deleted meanwhile turn into a server error', async () => {
      for (let round = 0; round < 10; round++) {
        const { email, id } = await verified(app);
        const [answers] = await Promise.all([
          Promise.all(Array.from({ length: 5 }, () => attempt(email, PASSWORD))),
          app.database.query('DELETE FROM users WHERE id = $1', [id]),
        ]);
        expect(answers.map(({ status }) => status).every((status) => status === 200 || status === 401)).toBe(
          true,
        );
      }
    });
  });

  describe('a protected route', () => {
    it.each([
      ['no credential', undefined, 'unauthenticated'],
      ['a scheme other than Bearer', 'Basic YTpi', 'token_invalid'],
      ['an empty bearer token', 'Bearer ', 'token_invalid'],
      ['something that is no token', 'Bearer x', 'token_invalid'],
      ['three dots of nothing', 'Bearer ..', 'token_invalid'],
      ['a very long token', `Bearer ${'a'.repeat(8000)}`, 'token_invalid'],
    ])('answers 401 to %s', async (_, authorization, code) => {
      const headers = authorization === undefined ? undefined : { Authorization: authorization };
      const answer = await app.http.get('/api/auth/profile', { headers });
      expect([answer.status, answer.body.code]).toEqual([401, code]);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="gatehouse"/);
    });

    it('answers 401 token_expired "Token has expired" when the access token has run out', async () => {
      const { token } = await loggedIn(app);
      app.clock.advance(15 * MINUTE + 1000);
      const { status, body } = await profile(token);
      expect(status).toBe(401);
      expect(body).toMatchObject({ code: 'token_expired', detail: 'Token has expired' });
    });

    it('answers 401 token_invalid "Invalid token" to a changed token', async () => {
      const { token } = await loggedIn(app);
      const [header, claims, signature] = token.split('.');
      const other = Buffer.from(JSON.stringify({ ...decoded(claims!), sub: 'x' })).toString('base64url');
      const { status, body } = await profile([header, other, signature].join('.'));
      expect(status).toBe(401);
      expect(body).toMatchObject({ code: 'token_invalid', detail: 'Invalid token' });
    });

    it.each([
      ['alg none', { alg: 'none' }, {}],
      ['another algorithm', { alg: 'HS512' }, {}],
      ['another type', { typ: 'JWT' }, {}],
      ['an unknown kid', { kid: 'other' }, {}],
      ['another issuer', {}, { iss: 'http://evil.example' }],
      ['another audience', {}, { aud: 'http://evil.example' }],
      ['no expiry', {}, { exp: undefined }],
      ['no session', {}, { sid: undefined }],
      ['a time in the future before which it is not valid', {}, { nbf: 4102444800 }],
    ])('refuses a token signed with the right secret but with %s', async (_, header, claims) => {
      const { token } = await loggedIn(app);
      const forged = forge(token, header, claims);
      expect((await profile(forge(token, {}, {}))).status).toBe(200);
      const { status, body } = await profile(forged);
      expect([status, body.code]).toEqual([401, 'token_invalid']);
    });

    it('does not accept a refresh token as an access token', async () => {
      const { refreshToken } = await loggedIn(app);
      expect((await profile(refreshToken)).body.code).toBe('token_invalid');
    });

    it('refuses the token of a session that has run out', async () => {
      const { token } = await loggedIn(app);
      app.clock.advance(8 * DAY);
      const fresh = forge(token, {}, { exp: Math.floor(app.clock.now().getTime() / 1000) + 600 });
      expect((await profile(fresh)).body.code).toBe('session_revoked');
    });
  });

  describe('POST /api/auth/logout', () => {
    it('ends the session: its access token is refused on its next use', async () => {
      const { token } = await loggedIn(app);
      expect((await profile(token)).status).toBe(200);
      const { status, body } = await app.http.post('/api/auth/logout', undefined, { token });
      expect(status).toBe(200);
      expect(body).toEqual({ message: expect.any(String) });
      const refused = await profile(token);
      expect([refused.status, refused.body.code]).toEqual([401, 'session_revoked']);
    });

    it('leaves the other sessions of the user alone', async () => {
      const first = await loggedIn(app);
      const second = await login(app, first);
      await app.http.post('/api/auth/logout', undefined, { token: first.token });
      expect((await profile(second.token)).status).toBe(200);
    });

    it('answers 401 without a session', async () => {
      expect((await app.http.post('/api/auth/logout')).status).toBe(401);
    });

    it('is recorded once under 50 parallel requests', async () => {
      const { token, id } = await loggedIn(app);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => app.http.post('/api/auth/logout', undefined, { token })),
      );
      expect(answers.every(({ status }) => status === 200 || status === 401)).toBe(true);
      const events = await app.database.query(
        `SELECT 1 FROM audit_events WHERE user_id = $1 AND action = 'session.revoked'`,
        [id],
      );
      expect(events).toHaveLength(1);
    });
  });

  describe('a stored hash that is not up to date', () => {
    it('is replaced at the next login', async () => {
      const { email, id } = await verified(app);
      const storedHash = async () => {
        const rows = await app.database.query<{ hash: string }>(
          'SELECT password_hash AS hash FROM users WHERE id = $1',
          [id],
        );
        return rows[0]!.hash;
      };
      expect(await storedHash()).toContain('$2b$04$');
      const costlier = await TestApp.start({ database: app.database, env: { BCRYPT_COST: '5' } });
      await login(costlier, { email, password: PASSWORD });
      await costlier.close();
      expect(await storedHash()).toContain('$2b$05$');
    });
  });

  it('keeps tokens out of reach of another secret', async () => {
    const other = await TestApp.start({
      database: app.database,
      env: { JWT_SECRET: 'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV' },
    });
    const { token } = await loggedIn(app, freshEmail());
    expect((await other.http.get('/api/auth/profile', { token })).body.code).toBe('token_invalid');
    await other.close();
  });
});

function decoded(part: string): Record<string, number> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, number>;
}

/** The token with other header fields or claims, signed as the service itself would. */
function forge(token: string, header: object, claims: object): string {
  const parts = token.split('.').slice(0, 2).map(decoded);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const alg = (header as { alg?: string }).alg;
  const content = `${encode({ ...parts[0], ...header })}.${encode({ ...parts[1], ...claims })}`;
  if (alg === 'none') return `${content}.`;
  const hash = alg === 'HS512' ? 'sha512' : 'sha256';
  return `${content}.${createHmac(hash, TEST_SECRET).update(content).digest('base64url')}`;
}
