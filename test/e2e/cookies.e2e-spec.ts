import { TestApp } from '../support/app';
import { loggedIn, PASSWORD, verified, type Actor } from '../support/actors';
import { DAY, MINUTE } from '../support/clock';
import type { Http } from '../support/http';

const ORIGIN = 'http://localhost:3000';
const sameOrigin = { 'Sec-Fetch-Site': 'same-origin', Origin: ORIGIN };

interface Browser extends Actor {
  cookie: string;
  csrfToken: string;
}

async function inBrowser(app: TestApp, actor?: Actor): Promise<Browser> {
  const person = actor ?? (await verified(app));
  const { headers, body } = await login(app.http, person);
  return { ...person, cookie: headers.get('set-cookie')!.split(';')[0]!, csrfToken: body.csrfToken };
}

const login = (
  http: Http,
  { email, password }: Pick<Actor, 'email' | 'password'>,
  headers: Record<string, string> = {},
) =>
  http.post<{ csrfToken: string; code: string; user: object; expiresAt: string }>(
    '/api/auth/login',
    { email, password, transport: 'cookie' },
    { headers },
  );

describe('cookies', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const profile = (headers: Record<string, string>) => app.http.get('/api/auth/profile', { headers });
  const rename = (headers: Record<string, string>) =>
    app.http.put('/api/auth/profile', { name: 'Ada' }, { headers });

  describe('POST /api/auth/login with transport cookie', () => {
    it('sets the cookie and puts nothing secret in the body', async () => {
      const actor = await verified(app);
      const { status, headers, body } = await login(app.http, actor);
      expect(status).toBe(200);
      expect(headers.getSetCookie()[0]).toMatch(
        /^session=ghs_[\w-]{64}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
      );
      const secret = /ghs_[\w-]+/.exec(headers.get('set-cookie')!)![0];
      expect(Object.keys(body).sort()).toEqual(['csrfToken', 'expiresAt', 'user']);
      expect(JSON.stringify(body)).not.toContain(secret.slice(26));
      expect(headers.get('cache-control')).toBe('no-store');
    });

    it('uses the __Host- name with Secure where the public address is https', async () => {
      const secure = await TestApp.start({
        database: app.database,
        env: { PUBLIC_URL: 'https://auth.example.org' },
      });
      const { headers } = await login(secure.http, await verified(app));
      await secure.close();
      expect(headers.getSetCookie()[0]).toMatch(
        /^__Host-session=ghs_[\w-]{64}; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
      );
    });

    it('makes a new secret at every login and never adopts one that came in', async () => {
      const first = await inBrowser(app);
      const planted = { Cookie: first.cookie };
      const { headers } = await login(app.http, first, planted);
      const second = headers.get('set-cookie')!.split(';')[0]!;
      expect(second).not.toBe(first.cookie);
      const { headers: third } = await login(app.http, first, { Cookie: 'session=chosen-by-somebody' });
      expect(third.get('set-cookie')).not.toContain('chosen-by-somebody');
    });

    it('keeps only a hash of the secret', async () => {
      const { cookie } = await inBrowser(app);
      const secret = Buffer.from(cookie.slice('session=ghs_'.length), 'base64url').subarray(16);
      const rows = await app.database.query(
        'SELECT 1 FROM sessions WHERE secret_hash = $1 OR secret_hash = sha256($1)',
        [secret],
      );
      expect(rows).toHaveLength(1);
      expect(
        await app.database.query('SELECT 1 FROM sessions WHERE secret_hash = $1', [secret]),
      ).toHaveLength(0);
    });
  });

  describe('a request with the cookie', () => {
    it('is authenticated', async () => {
      const { cookie, id } = await inBrowser(app);
      const { status, body } = await profile({ Cookie: cookie });
      expect([status, body.id]).toEqual([200, id]);
    });

    it.each([
      ['another secret', (cookie: string) => `${cookie.slice(0, -2)}${cookie.endsWith('AA') ? 'BA' : 'AA'}`],
      ['another session', (cookie: string) => cookie.replace(/ghs_.{10}/, 'ghs_AAAAAAAAAA')],
      ['nothing after the name', () => 'session='],
      ['rubbish', () => 'session=ghs_x'],
    ])('is refused with %s', async (_, change) => {
      const { cookie } = await inBrowser(app);
      const { status, body } = await profile({ Cookie: change(cookie) });
      expect([status, body.code]).toEqual([401, 'session_revoked']);
    });

    it.each([
      ['two cookies of the name', (cookie: string) => `${cookie}; ${cookie}`],
      ['the name in capitals', (cookie: string) => cookie.replace('session=', 'SESSION=')],
      ['no such cookie', () => 'other=1'],
    ])('is not authenticated with %s', async (_, change) => {
      const { cookie } = await inBrowser(app);
      const { status, body } = await profile({ Cookie: change(cookie) });
      expect([status, body.code]).toEqual([401, 'unauthenticated']);
    });

    it('slides the end of the session, at most once a minute and never beyond the cap', async () => {
      const { cookie, id } = await inBrowser(app);
      const expiry = async () => {
        const rows = await app.database.query<{ expires_at: Date }>(
          'SELECT expires_at FROM sessions WHERE user_id = $1',
          [id],
        );
        return rows[0]!.expires_at.getTime();
      };
      const atLogin = await expiry();
      const quick = await profile({ Cookie: cookie });
      expect([quick.headers.get('set-cookie'), await expiry()]).toEqual([null, atLogin]);
      app.clock.advance(MINUTE);
      const later = await profile({ Cookie: cookie });
      expect(later.headers.get('set-cookie')).toContain(cookie);
      expect(await expiry()).toBeGreaterThanOrEqual(atLogin + MINUTE);
      for (let day = 0; day < 5; day++) {
        app.clock.advance(6 * DAY - 30 * MINUTE);
        expect((await profile({ Cookie: cookie })).status).toBe(day < 5 ? 200 : 401);
      }
      expect(await expiry()).toBeLessThanOrEqual(atLogin + 23 * DAY + 1000);
      app.clock.advance(DAY);
      expect((await profile({ Cookie: cookie })).body.code).toBe('session_revoked');
    });

    it('ends with the idle time', async () => {
      const { cookie } = await inBrowser(app);
      app.clock.advance(7 * DAY + 1000);
      expect((await profile({ Cookie: cookie })).status).toBe(401);
    });
  });

  describe('CSRF', () => {
    it('lets an unsafe request through that knows the token and comes from here', async () => {
      const { cookie, csrfToken } = await inBrowser(app);
      expect((await rename({ Cookie: cookie, 'X-CSRF-Token': csrfToken, ...sameOrigin })).status).toBe(200);
      expect((await rename({ Cookie: cookie, 'X-CSRF-Token': csrfToken })).status).toBe(200);
    });

    it('GET /api/auth/csrf gives the same token again', async () => {
      const { cookie, csrfToken } = await inBrowser(app);
      const { status, body } = await app.http.get('/api/auth/csrf', { headers: { Cookie: cookie } });
      expect([status, body]).toEqual([200, { csrfToken }]);
      expect((await app.http.get('/api/auth/csrf')).status).toBe(401);
    });

    it.each([
      ['no token', () => ({})],
      ['an empty token', () => ({ 'X-CSRF-Token': '' })],
      [
        'a wrong token',
        ({ csrfToken }: Browser) => ({ 'X-CSRF-Token': `A${csrfToken.slice(1)}`.replace(csrfToken, 'x') }),
      ],
      [
        'a token and another origin',
        ({ csrfToken }: Browser) => ({ 'X-CSRF-Token': csrfToken, Origin: 'https://evil.example' }),
      ],
      [
        'a token and the null origin',
        ({ csrfToken }: Browser) => ({ 'X-CSRF-Token': csrfToken, Origin: 'null' }),
      ],
      [
        'a token and another site',
        ({ csrfToken }: Browser) => ({ 'X-CSRF-Token': csrfToken, 'Sec-Fetch-Site': 'cross-site' }),
      ],
      [
        'a token and a sister site',
        ({ csrfToken }: Browser) => ({
          'X-CSRF-Token': csrfToken,
          'Sec-Fetch-Site': 'same-site',
          Origin: 'http://sub.localhost:3000',
        }),
      ],
    ])('refuses an unsafe request with %s', async (_, headersOf) => {
      const browser = await inBrowser(app);
      const headers = Object.fromEntries(Object.entries(headersOf(browser))) as Record<string, string>;
      const { status, body } = await rename({ Cookie: browser.cookie, ...headers });
      expect([status, body.code]).toEqual([403, 'csrf_failed']);
      expect((await profile({ Cookie: browser.cookie })).body.name).toBeNull();
    });

    it("refuses another session's token, also of the same user", async () => {
      const first = await inBrowser(app);
      const second = await inBrowser(app, first);
      expect(second.csrfToken).not.toBe(first.csrfToken);
      expect((await rename({ Cookie: first.cookie, 'X-CSRF-Token': second.csrfToken })).status).toBe(403);
    });

    it.each([
      '/api/auth/login',
      '/api/auth/register',
      '/api/auth/refresh',
      '/api/auth/verify',
      '/api/auth/verify/resend',
    ])('refuses %s from another site (login CSRF)', async (path) => {
      const body = { '/api/auth/login': { email: 'a@example.org', password: PASSWORD } }[path] ?? {};
      const foreign: Record<string, string>[] = [
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { 'Sec-Fetch-Site': 'cross-site' },
      ];
      for (const headers of foreign) {
        const answer = await app.http.post(path, body, { headers });
        expect([answer.status, answer.body.code]).toEqual([403, 'csrf_failed']);
      }
    });

    it('lets a listed origin log in', async () => {
      const other = await TestApp.start({
        database: app.database,
        env: { CORS_ORIGINS: 'https://app.example.org' },
      });
      const actor = await verified(app);
      const listed = { Origin: 'https://app.example.org', 'Sec-Fetch-Site': 'cross-site' };
      const { status, headers } = await login(other.http, actor, listed);
      expect([status, headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example.org']);
      await other.close();
    });
  });

  describe('a bearer token beside the cookie', () => {
    it('decides, and needs no CSRF token', async () => {
      const bearer = await loggedIn(app);
      const browser = await inBrowser(app, bearer);
      const headers = { Cookie: browser.cookie, Authorization: `Bearer ${bearer.token}` };
      expect((await rename(headers)).status).toBe(200);
    });

    it('is not replaced by the cookie where it is invalid, so it switches no CSRF check off', async () => {
      const { cookie } = await inBrowser(app);
      for (const Authorization of ['Bearer x', 'Bearer', 'Basic YTpi', '']) {
        const { status, body } = await rename({ Cookie: cookie, Authorization });
        expect([status, body.code]).toEqual([401, 'token_invalid']);
      }
    });

    it('is refused where the two belong to different users', async () => {
      const bearer = await loggedIn(app);
      const browser = await inBrowser(app);
      const { status, body } = await profile({
        Cookie: browser.cookie,
        Authorization: `Bearer ${bearer.token}`,
      });
      expect([status, body.code]).toEqual([401, 'token_invalid']);
    });
  });

  describe('POST /api/auth/logout', () => {
    it('ends the session and clears the cookie with its attributes', async () => {
      const { cookie, csrfToken } = await inBrowser(app);
      const { status, headers } = await app.http.post('/api/auth/logout', undefined, {
        headers: { Cookie: cookie, 'X-CSRF-Token': csrfToken },
      });
      expect(status).toBe(200);
      expect(headers.get('set-cookie')).toMatch(
        /^session=; .*Path=\/; Expires=Thu, 01 Jan 1970.*HttpOnly; SameSite=Lax/,
      );
      expect(headers.get('clear-site-data')).toBe('"cookies"');
      expect((await profile({ Cookie: cookie })).body.code).toBe('session_revoked');
    });

    it('needs the CSRF token', async () => {
      const { cookie } = await inBrowser(app);
      const { status } = await app.http.post('/api/auth/logout', undefined, { headers: { Cookie: cookie } });
      expect(status).toBe(403);
      expect((await profile({ Cookie: cookie })).status).toBe(200);
    });
  });

  it('a cookie is no bearer token and a refresh token no cookie', async () => {
    const { cookie } = await inBrowser(app);
    const { refreshToken } = await loggedIn(app);
    const value = cookie.slice('session='.length);
    expect((await profile({ Authorization: `Bearer ${value}` })).body.code).toBe('token_invalid');
    expect((await profile({ Cookie: `session=${refreshToken}` })).body.code).toBe('session_revoked');
    expect((await app.http.post('/api/auth/refresh', { refresh_token: value })).body.code).toBe(
      'token_invalid',
    );
  });
});
