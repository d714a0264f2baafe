import { freshEmail, inBrowser, loggedIn, PASSWORD, unverified, verified } from '../support/actors';
import { TestApp } from '../support/app';
import type { Answer } from '../support/http';
import { RoundTrips } from '../support/round-trips';

interface Apps {
  app: TestApp;
  /** Another replica, which has seen nobody yet. */
  other: TestApp;
  /** One that asks for no verification. */
  open: TestApp;
}

/** Brings about what a request needs, and returns how to send it. */
type Prepare = (apps: Apps) => Promise<() => Promise<Answer<object>>>;

const login = (app: TestApp, email: string, more = {}) =>
  app.http.post('/api/auth/login', { email, password: PASSWORD, ...more });

function authenticated(
  method: string,
  path: string,
  { body, on = 'app', isHot = true }: { body?: object; on?: keyof Apps; isHot?: boolean } = {},
): Prepare {
  return async (apps) => {
    const { id, token } = await loggedIn(apps.app);
    const send = (way: string, to: string, what?: object) =>
      apps[on].http.send<object>(way, to, what, { token });
    const task = { title: 'Tea' };
    const made = path.includes(':task') ? await send('POST', `/api/users/${id}/tasks`, task) : undefined;
    // Twice: the echo of the verification may have the first reading forgotten.
    if (isHot) for (let round = 0; round < 3; round++) await send('GET', '/api/auth/profile');
    const filled = path.replace(':user', id).replace(':task', String((made?.body as { id?: string })?.id));
    return () => send(method, filled, body);
  };
}

function byCookie(path: string): Prepare {
  return async ({ app }) => {
    const headers = await inBrowser(app, await verified(app));
    for (let round = 0; round < 3; round++) await app.http.get('/api/auth/profile', { headers });
    return () => app.http.get(path, { headers });
  };
}

const tasks = '/api/users/:user/tasks';

/** What requests take at most. Who adds a wait or a statement meets it here; BEGIN and COMMIT are counted too. */
const ROUTES: [what: string, most: { waits: number; statements: number }, prepare: Prepare][] = [
  ['profile, hot', { waits: 0, statements: 0 }, authenticated('GET', '/api/auth/profile')],
  ['profile by cookie, hot', { waits: 0, statements: 0 }, byCookie('/api/auth/profile')],
  ['CSRF token, hot', { waits: 0, statements: 0 }, byCookie('/api/auth/csrf')],
  ['account, hot', { waits: 0, statements: 0 }, authenticated('GET', '/api/users/:user')],
  [
    'profile after a login',
    { waits: 1, statements: 1 },
    async ({ app }) => {
      const { token } = await loggedIn(app);
      return () => app.http.get('/api/auth/profile', { token });
    },
  ],
  [
    'CSRF token, cold',
    { waits: 1, statements: 1 },
    async ({ app, other }) => {
      const headers = await inBrowser(app, await verified(app));
      return () => other.http.get('/api/auth/csrf', { headers });
    },
  ],
  [
    'profile, nothing known',
    { waits: 1, statements: 1 },
    authenticated('GET', '/api/auth/profile', { on: 'other', isHot: false }),
  ],
  [
    'refresh',
    { waits: 1, statements: 1 },
    async ({ app }) => {
      const { refreshToken } = await loggedIn(app);
      return () => app.http.post('/api/auth/refresh', { refresh_token: refreshToken });
    },
  ],
  [
    'refresh, nothing known',
    { waits: 1, statements: 1 },
    async ({ app, other }) => {
      const { refreshToken } = await loggedIn(app);
      return () => other.http.post('/api/auth/refresh', { refresh_token: refreshToken });
    },
  ],
  [
    'profile after a refresh',
    { waits: 0, statements: 0 },
    async ({ app }) => {
      const { token, refreshToken } = await loggedIn(app);
      for (let round = 0; round < 3; round++) await app.http.get('/api/auth/profile', { token });
      const { body } = await app.http.post<{ access_token: string }>('/api/auth/refresh', {
        refresh_token: refreshToken,
      });
      // The first use of a generation is written down.
      await app.http.get('/api/auth/profile', { token: body.access_token });
      return () => app.http.get('/api/auth/profile', { token: body.access_token });
    },
  ],
  [
    'refresh, repeated',
    { waits: 4, statements: 5 },
    async ({ app }) => {
      const { refreshToken } = await loggedIn(app);
      await app.http.post('/api/auth/refresh', { refresh_token: refreshToken });
      return () => app.http.post('/api/auth/refresh', { refresh_token: refreshToken });
    },
  ],
  [
    'first login',
    { waits: 3, statements: 7 },
    async ({ app }) => {
      const { email } = await verified(app);
      return () => login(app, email);
    },
  ],
  [
    'login',
    { waits: 3, statements: 7 },
    async ({ app }) => {
      const { email } = await loggedIn(app);
      return () => login(app, email);
    },
  ],
  [
    'login by cookie',
    { waits: 3, statements: 7 },
    async ({ app }) => {
      const { email } = await loggedIn(app);
      return () => login(app, email, { transport: 'cookie' });
    },
  ],
  [
    'registration',
    { waits: 3, statements: 5 },
    async ({ app }) =>
      () =>
        app.http.post('/api/auth/register', { email: freshEmail(), password: PASSWORD }),
  ],
  [
    'registration without verification',
    { waits: 3, statements: 7 },
    async ({ open }) =>
      () =>
        open.http.post('/api/auth/register', { email: freshEmail(), password: PASSWORD }),
  ],
  [
    'request of a reset',
    { waits: 4, statements: 5 },
    async ({ app }) => {
      const { email } = await verified(app);
      return () => app.http.post('/api/auth/reset-request', { email });
    },
  ],
  [
    'request of a reset for nobody',
    { waits: 4, statements: 5 },
    async ({ app }) =>
      () =>
        app.http.post('/api/auth/reset-request', { email: freshEmail() }),
  ],
  [
    'reset',
    { waits: 16, statements: 17 },
    async ({ app }) => {
      const { email } = await loggedIn(app);
      await app.http.post('/api/auth/reset-request', { email });
      const { token } = await app.mailbox.waitFor(email, 2);
      return () => app.http.post('/api/auth/reset-confirm', { token, password: 'another horse 8 battery!' });
    },
  ],
  [
    'verification',
    { waits: 8, statements: 9 },
    async ({ app }) => {
      const { email } = await unverified(app);
      const { token } = await app.mailbox.waitFor(email);
      return () => app.http.post('/api/auth/verify', { token });
    },
  ],
  ['logout', { waits: 4, statements: 5 }, authenticated('POST', '/api/auth/logout')],
  [
    'change of the password',
    { waits: 12, statements: 14 },
    authenticated('POST', '/api/auth/change-password', {
      body: { currentPassword: PASSWORD, newPassword: 'another horse 8 battery!' },
    }),
  ],
  [
    'change of the name',
    { waits: 5, statements: 6 },
    authenticated('PUT', '/api/auth/profile', { body: { name: 'Ada' } }),
  ],
  ['list of devices', { waits: 1, statements: 1 }, authenticated('GET', '/api/auth/sessions')],
  ['list of tasks', { waits: 2, statements: 4 }, authenticated('GET', tasks)],
  ['a new task', { waits: 2, statements: 4 }, authenticated('POST', tasks, { body: { title: 'Tea' } })],
  ['a task', { waits: 2, statements: 4 }, authenticated('GET', `${tasks}/:task`)],
  [
    'change of a task',
    { waits: 3, statements: 5 },
    authenticated('PUT', `${tasks}/:task`, { body: { completed: true } }),
  ],
  ['removal of a task', { waits: 2, statements: 4 }, authenticated('DELETE', `${tasks}/:task`)],
];

describe('what a request asks of the database', () => {
  let apps: Apps;
  let trips: RoundTrips;

  beforeAll(async () => {
    const app = await TestApp.start();
    const { database, clock } = app;
    const other = await TestApp.start({ database, clock });
    const open = await TestApp.start({ database, clock, env: { EMAIL_VERIFICATION: 'off' } });
    apps = { app, other, open };
    trips = RoundTrips.record();
  });
  afterAll(async () => {
    trips.stop();
    await apps.open.close();
    await apps.other.close();
    await apps.app.close();
  });

  it.each(ROUTES)('%s', async (what, most, prepare) => {
    const send = await prepare(apps);
    let status = 0;
    const asked = await trips.of(async () => ({ status } = await send()));
    process.stdout.write(`  ${what}: ${asked.waits} waits, ${asked.statements.length} statements\n`);
    expect(status).toBeLessThan(300);
    const { waits: waited, statements: sent } = asked;
    if (waited <= most.waits && sent.length <= most.statements) return;
    const lines = sent.map((text) => text.replace(/\s+/g, ' ').slice(0, 160));
    throw new Error(`It waited ${waited} times for ${sent.length} statements:\n${lines.join('\n')}`);
  });
});
