import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AuditRetentionJob } from '../../src/audit/audit-retention.job';
import { AuditSealer } from '../../src/audit/audit-sealer';
import { IdleFailuresJob } from '../../src/auth/back-off/idle-failures.job';
import { UnverifiedAccountsJob } from '../../src/auth/registration/unverified-accounts.job';
import { ExpiredTokensJob } from '../../src/auth/tokens/expired-tokens.job';
import { ExpiredSessionsJob } from '../../src/sessions/expired-sessions.job';
import { freshEmail, inBrowser, login, PASSWORD, unverified, verified } from '../support/actors';
import { TestApp } from '../support/app';
import { MINUTE } from '../support/clock';
import { Planner } from '../support/plans';
import { Statements, type Statement } from '../support/statements';

/** Users; of sessions, tokens and events there are ten times as many. */
const USERS = 5_000;
/** Of nobody whom the filling has made. */
const newcomer = () => `new-${freshEmail()}`;
const NEW_PASSWORD = 'correct horse 8 battery!';

describe('the plans of queries on filled tables', () => {
  let app: TestApp;
  let planner: Planner;

  beforeAll(async () => {
    app = await TestApp.start();
    await promisify(execFile)(process.execPath, ['bench/growth/fill.mjs', app.database.url, String(USERS)]);
    planner = await Planner.connect(app.database.url);
  }, 120_000);
  afterAll(async () => {
    await planner.close();
    await app.close();
  });

  /** The statements that something takes, with what is wrong with their plans: see `Planner`. */
  const faultsDuring = async (work: () => Promise<unknown>) => {
    const statements = new Statements();
    await work();
    return faultsOf(statements.take());
  };
  const faultsOf = async (statements: Statement[]) => {
    const found: { statement: string; faults: string[] }[] = [];
    for (const statement of statements) {
      const faults = await planner.faultsOf(statement);
      if (faults.length > 0) found.push({ statement: statement.text.replace(/\s+/g, ' '), faults });
    }
    expect(statements).not.toEqual([]);
    return found;
  };

  it.each<[string, () => Promise<unknown>]>([
    ['registering, verifying and asking for the letter again', signUp],
    ['logging in, rightly and wrongly', logIn],
    ['the first request of a session, by token and by cookie', firstRequests],
    ['refreshing', refresh],
    ['looking at sessions and activity, and ending sessions', lookAround],
    ['resetting and changing a password', setPasswords],
    ['changing the address', changeAddress],
    ['tasks', workOnTasks],
    ['deleting an account', deleteAccount],
    ['linking what happened into the audit chain', () => app.nest.get(AuditSealer).seal()],
  ])('are index lookups, and kept: %s', async (_, work) => {
    expect(await faultsDuring(work)).toEqual([]);
  });

  it.each([
    ExpiredSessionsJob,
    ExpiredTokensJob,
    IdleFailuresJob,
    UnverifiedAccountsJob,
    AuditRetentionJob,
  ] as const)('are index lookups: the batches of %p', async (Job) => {
    const job = app.nest.get<{ run(): Promise<void> }>(Job, { strict: false });
    expect(await faultsDuring(() => job.run())).toEqual([]);
  });

  it('are index lookups where a user is deleted: every foreign key has an index', async () => {
    const without = await app.database.query(
      `SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
         AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])`,
    );
    expect(without).toEqual([]);
  });

  it('write no index where a session is refreshed: none has a column that changes', async () => {
    const indexed = await app.database.query<{ name: string }>(
      `SELECT DISTINCT attname AS name FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
       WHERE indrelid = 'sessions'::regclass ORDER BY name`,
    );
    expect(indexed.map(({ name }) => name)).toEqual(['created_at', 'id', 'user_id']);
  });

  async function signUp() {
    const email = newcomer();
    await unverified(app, email);
    await app.http.post('/api/auth/register', { email, password: PASSWORD });
    await app.http.post('/api/auth/verify/resend', { email });
    const { token } = await app.mailbox.waitFor(email, 2);
    await app.http.get(`/api/auth/verify/${token}`);
    await app.http.post('/api/auth/verify', { token });
  }

  async function logIn() {
    const actor = await verified(app, newcomer());
    await app.http.post('/api/auth/login', { email: actor.email, password: 'wrong horse 7 battery!' });
    await login(app, actor);
    await inBrowser(app, actor);
  }

  async function firstRequests() {
    const actor = await verified(app, newcomer());
    const { token } = await login(app, actor);
    const headers = await inBrowser(app, actor);
    app.clock.advance(2 * MINUTE);
    await app.http.get('/api/auth/profile', { token });
    await app.http.get('/api/auth/profile', { headers });
    await app.http.get('/api/auth/csrf', { headers });
    await app.http.put('/api/auth/profile', { name: 'Somebody' }, { token });
    await app.http.get(`/api/users/${actor.id}`, { token });
  }

  async function refresh() {
    const { refreshToken: refresh_token } = await login(app, await verified(app, newcomer()));
    const { body } = await app.http.post<{ access_token: string }>('/api/auth/refresh', { refresh_token });
    await app.http.get('/api/auth/profile', { token: body.access_token });
    await app.http.post('/api/auth/refresh', { refresh_token });
  }

  async function lookAround() {
    const actor = await verified(app, newcomer());
    const [{ token }] = [await login(app, actor), await login(app, actor), await login(app, actor)];
    const { body } = await app.http.get<{ id: string; current: boolean }[]>('/api/auth/sessions', { token });
    const other = body.find(({ current }) => !current)!;
    await app.http.delete(`/api/auth/sessions/${other.id}`, undefined, { token });
    const page = await app.http.get<{ nextCursor: string }>('/api/auth/activity?limit=1', { token });
    await app.http.get(`/api/auth/activity?limit=1&cursor=${page.body.nextCursor}`, { token });
    await app.http.get('/api/auth/export', { token });
    await app.http.post('/api/auth/logout-all', { exceptCurrent: true }, { token });
    await app.http.post('/api/auth/logout', undefined, { token });
  }

  async function setPasswords() {
    const actor = await verified(app, newcomer());
    await app.http.post('/api/auth/reset-request', { email: actor.email });
    await app.http.post('/api/auth/reset-request', { email: newcomer() });
    const { token } = await app.mailbox.waitFor(actor.email, 2);
    await app.http.post('/api/auth/reset-confirm', { token, password: NEW_PASSWORD });
    const session = await login(app, { ...actor, password: NEW_PASSWORD });
    const change = { currentPassword: NEW_PASSWORD, newPassword: PASSWORD };
    const changed = await app.http.post('/api/auth/change-password', change, session);
    expect(changed.status).toBe(200);
  }

  async function changeAddress() {
    const actor = await verified(app, newcomer());
    const email = newcomer();
    await app.http.post('/api/auth/change-email', { email, password: PASSWORD }, await login(app, actor));
    const { token } = await app.mailbox.waitFor(email);
    const { status } = await app.http.post('/api/auth/change-email/confirm', { token });
    expect(status).toBe(200);
  }

  async function workOnTasks() {
    const actor = await verified(app, newcomer());
    const as = await login(app, actor);
    const path = `/api/users/${actor.id}/tasks`;
    await app.http.post(path, { title: 'Water the plants' }, as);
    const { body } = await app.http.post<{ id: string }>(path, { title: 'Feed the cat' }, as);
    const page = await app.http.get<{ nextCursor: string }>(`${path}?limit=1`, as);
    await app.http.get(`${path}?limit=1&cursor=${page.body.nextCursor}`, as);
    await app.http.get(`${path}/${body.id}`, as);
    await app.http.put(`${path}/${body.id}`, { completed: true }, as);
    const { status } = await app.http.delete(`${path}/${body.id}`, undefined, as);
    expect(status).toBe(204);
  }

  async function deleteAccount() {
    const { token } = await login(app, await verified(app, newcomer()));
    const { status } = await app.http.delete('/api/auth/profile', { password: PASSWORD }, { token });
    expect(status).toBe(204);
  }
});
