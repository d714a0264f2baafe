import { JwtStrategy } from '../../src/auth/strategies/jwt.strategy';
import { CookieStrategy } from '../../src/auth/strategies/cookie.strategy';
import { SessionCache } from '../../src/sessions/session-cache';
import { inBrowser, loggedIn, type LoggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { MINUTE } from '../support/clock';

const PROFILE = '/api/auth/profile';

describe('a request whose credential was good a moment ago', () => {
  let app: TestApp;
  let replica: TestApp;
  let ada: LoggedIn;
  let browser: Record<string, string>;

  beforeAll(async () => {
    app = await TestApp.start();
    replica = await TestApp.start({ database: app.database, clock: app.clock });
  });
  afterAll(async () => {
    await replica.close();
    await app.close();
  });

  beforeEach(async () => {
    ada = await loggedIn(app);
    browser = await inBrowser(app, ada);
    // Twice: the echo of the login may come in between.
    for (let round = 0; round < 2; round++)
      for (const headers of [byToken(), browser]) await answerTo(headers);
  });

  const byToken = (token = ada.token) => ({ Authorization: `Bearer ${token}` });

  async function answerTo(headers: Record<string, string>) {
    const { status, body } = await app.http.get<{ code?: string }>(PROFILE, { headers });
    return [status, body.code];
  }

  it('is known from memory, Passport is not asked', async () => {
    const asked = [JwtStrategy, CookieStrategy].map((strategy) =>
      jest.spyOn(app.nest.get<{ validate(): unknown }>(strategy), 'validate'),
    );
    for (const headers of [byToken(), browser]) expect(await answerTo(headers)).toEqual([200, undefined]);
    expect(asked.map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
  });

  it('is known for little memory: nothing else that the driver has read stays with it', async () => {
    await replica.http.get(PROFILE, { headers: byToken() });
    const [session] = await app.database.query<{ id: string }>(
      `SELECT id FROM sessions WHERE user_id = $1 AND transport = 'bearer'`,
      [ada.id],
    );
    const kept = replica.nest.get(SessionCache, { strict: false }).find(session!.id)!;
    // A Buffer of the driver keeps the block of 64 kB that it was cut from; a Date takes 96 bytes.
    expect(Object.values(kept).filter((value) => typeof value === 'object')).toEqual([null]);
    expect(JSON.stringify(kept).length).toBeLessThan(400);
  });

  it('is refused when the time of the token has run out', async () => {
    // It lasts 15 minutes, or up to a twentieth less. The use shortly before is written down, the next one need not be.
    app.clock.advance(14 * MINUTE + 10_000);
    expect(await answerTo(byToken())).toEqual([200, undefined]);
    app.clock.advance(55_000);
    expect(await answerTo(byToken())).toEqual([401, 'token_expired']);
    expect(await answerTo(browser)).toEqual([200, undefined]);
  });

  it('is refused when another replica has ended the session', async () => {
    await replica.http.post('/api/auth/logout', {}, { token: ada.token });
    await replica.http.post('/api/auth/logout', {}, { headers: browser });
    for (const headers of [byToken(), browser]) {
      let answer: unknown;
      const deadline = Date.now() + 1_000;
      do answer = await answerTo(headers);
      while ((answer as [number])[0] === 200 && Date.now() < deadline);
      expect(answer).toEqual([401, 'session_revoked']);
    }
  });

  it('is refused when a character of the credential differs', async () => {
    const flipped = (text: string) =>
      text.slice(0, -10) + (text.at(-10) === 'A' ? 'B' : 'A') + text.slice(-9);
    expect(await answerTo(byToken(flipped(ada.token)))).toEqual([401, 'token_invalid']);
    expect(await answerTo({ Cookie: flipped(browser.Cookie!) })).toEqual([401, 'session_revoked']);
  });

  it('is refused when another user’s cookie comes along, and let in with one of the same user', async () => {
    const { Cookie } = await inBrowser(app, await loggedIn(app));
    expect(await answerTo({ ...byToken(), Cookie: Cookie! })).toEqual([401, 'token_invalid']);
    expect(await answerTo({ ...byToken(), Cookie: browser.Cookie! })).toEqual([200, undefined]);
  });

  it('is refused when a header says something else than the cookie', async () => {
    const headers = { Authorization: 'Bearer x', Cookie: browser.Cookie! };
    expect(await answerTo(headers)).toEqual([401, 'token_invalid']);
  });

  it('is refused as a write without the CSRF token all the same', async () => {
    const { status } = await app.http.put(PROFILE, { name: 'Ada' }, { headers: { Cookie: browser.Cookie! } });
    expect(status).toBe(403);
  });

  it('is still written down as a use, once a minute, and slides the end of a cookie', async () => {
    const lastUses = async () => {
      const rows = await app.database.query<{ at: Date }>(
        'SELECT last_used_at AS at FROM sessions WHERE user_id = $1 ORDER BY created_at',
        [ada.id],
      );
      return rows.map(({ at }) => at.getTime());
    };
    const before = await lastUses();
    app.clock.advance(MINUTE / 2);
    await answerTo(byToken());
    await answerTo(browser);
    expect(await lastUses()).toEqual(before);
    app.clock.advance(MINUTE);
    await answerTo(byToken());
    const { headers } = await app.http.get(PROFILE, { headers: browser });
    expect(headers.get('set-cookie')).toContain('session=');
    const after = await lastUses();
    expect(after.map((at, index) => at - before[index]! >= MINUTE)).toEqual([true, true]);
  });
});
