import { setTimeout as sleep } from 'node:timers/promises';
import { Clock } from '../../src/common/clock';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { MINUTE } from '../support/clock';

type Tokens = { access_token: string; refresh_token: string };

describe('replicas on machines with wrong clocks', () => {
  let app: TestApp;
  let ahead: TestApp;
  let behind: TestApp;

  beforeAll(async () => {
    const env = { ACCESS_TOKEN_TTL: '3s' };
    app = await TestApp.start({ env });
    ahead = await TestApp.start({ env, database: app.database, wrongBy: 5 * MINUTE });
    behind = await TestApp.start({ env, database: app.database, wrongBy: -60 * MINUTE });
    for (const replica of [ahead, behind]) await until(() => Math.abs(errorOf(replica)) < 1_000);
  });
  afterAll(async () => {
    await behind.close();
    await ahead.close();
    await app.close();
  });

  const errorOf = ({ nest }: TestApp) => nest.get(Clock, { strict: false }).now().getTime() - Date.now();
  const profile = ({ http }: TestApp, token: string) => http.get('/api/auth/profile', { token });

  it('take the tokens of each other, and no longer than they last', async () => {
    const { token, refreshToken } = await loggedIn(ahead);
    for (const replica of [app, ahead, behind]) expect((await profile(replica, token)).status).toBe(200);
    await sleep(4_000);
    for (const replica of [app, ahead, behind])
      expect([(await profile(replica, token)).body]).toMatchObject([{ code: 'token_expired' }]);
    // The session is that of all of them.
    const { body } = await behind.http.post<Tokens>('/api/auth/refresh', { refresh_token: refreshToken });
    for (const replica of [app, ahead, behind])
      expect((await profile(replica, body.access_token)).status).toBe(200);
  });

  it('log nobody out when the clock of a machine is set back', async () => {
    const { token } = await loggedIn(app);
    const { token: other } = await loggedIn(behind);
    const original = Date.now;
    Date.now = () => original() - 60 * MINUTE;
    try {
      expect((await profile(behind, token)).status).toBe(200);
      expect((await profile(ahead, other)).status).toBe(200);
      expect(
        (await behind.http.post('/api/auth/login', { email: 'a@example.org', password: 'x' })).status,
      ).toBe(401);
    } finally {
      Date.now = original;
    }
  });
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('it did not come to that');
    await sleep(20);
  }
}
