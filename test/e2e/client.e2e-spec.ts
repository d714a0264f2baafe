import {
  createClient,
  memoryStore,
  type ClientOptions,
  type EndReason,
  type Gatehouse,
  type StoredSession,
} from '../../client/src/index';
import { freshEmail, login, PASSWORD, verified, type Actor } from '../support/actors';
import { TestApp } from '../support/app';
import { eventually, recording } from '../support/client';
import { DAY, MINUTE } from '../support/clock';

const REFRESH = 'POST /api/auth/refresh';
const PROFILE = '/api/auth/profile';

describe('the client with bearer tokens', () => {
  let app: TestApp;
  const clients: Gatehouse[] = [];

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => app.close());

  /** A client whose calls, store and endings can be looked at. */
  const open = (options: ClientOptions = {}) => {
    const store = memoryStore();
    const wire = recording(options.fetch);
    const gatehouse = createClient({ baseUrl: app.http.baseUrl, store, ...options, fetch: wire.fetch });
    clients.push(gatehouse);
    const endings: EndReason[] = [];
    gatehouse.on('ended', ({ reason }) => void endings.push(reason));
    return { gatehouse, wire, endings, stored: () => store.load() as StoredSession | null, store };
  };

  /** The same, of somebody who is logged in. */
  const enter = async (options: ClientOptions = {}, actor?: Actor) => {
    const person = actor ?? (await verified(app));
    const opened = open(options);
    const { error } = await opened.gatehouse.login(person);
    expect(error).toBeUndefined();
    opened.wire.calls.length = 0;
    return { ...opened, person };
  };

  describe('login()', () => {
    it('answers with the user and knows until when the access token lives', async () => {
      const person = await verified(app);
      const { gatehouse } = open();
      const started = jest.fn();
      gatehouse.on('started', started);
      expect(gatehouse.session).toBeNull();
      const { data, error } = await gatehouse.login(person);
      expect([data?.user.id, error]).toEqual([person.id, undefined]);
      const left = gatehouse.session!.expiresAt.getTime() - Date.now();
      expect(left).toBeGreaterThan(14 * MINUTE);
      expect(left).toBeLessThanOrEqual(15 * MINUTE);
      expect(started).toHaveBeenCalledTimes(1);
      expect(started).toHaveBeenCalledWith(gatehouse.session);
      const profile = await gatehouse.api.GET(PROFILE);
      expect(profile.data?.email).toBe(person.email);
    });

    it('answers with the problem where the password is wrong', async () => {
      const { gatehouse, wire, endings } = open();
      const { data, error } = await gatehouse.login({ email: freshEmail(), password: PASSWORD });
      expect(data).toBeUndefined();
      expect(error).toMatchObject({ code: 'invalid_credentials', status: 401 });
      expect(error!.requestId).not.toBe('');
      expect(gatehouse.session).toBeNull();
      expect(endings).toEqual([]);
      expect(wire.calls).toEqual(['POST /api/auth/login']);
    });

    it('tells the broken rules of fields', async () => {
      const { error } = await open().gatehouse.login({ email: 'nobody', password: PASSWORD });
      expect(error).toMatchObject({ code: 'validation_failed', errors: [{ field: 'email' }] });
    });

    it('tells how long further attempts are held back', async () => {
      const { email } = await verified(app);
      const { gatehouse } = open();
      for (let attempt = 0; attempt < 6; attempt++) await gatehouse.login({ email, password: 'wrong' });
      const { error } = await gatehouse.login({ email, password: 'wrong' });
      expect(error?.code).toBe('invalid_credentials');
      expect(error?.retryAfter).toBeGreaterThan(0);
    });

    it('replaces the session of somebody else', async () => {
      const { gatehouse } = await enter();
      const other = await verified(app);
      const started = jest.fn();
      gatehouse.on('started', started);
      await gatehouse.login(other);
      expect(started).toHaveBeenCalledTimes(1);
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe(other.id);
    });
  });

  describe('a call', () => {
    it('without a session is sent as it is', async () => {
      const { gatehouse, wire, endings } = open();
      const { error } = await gatehouse.api.GET(PROFILE);
      expect(error?.code).toBe('unauthenticated');
      expect(wire.calls).toEqual([`GET ${PROFILE}`]);
      expect(endings).toEqual([]);
    });

    it('finds the session that a store has kept', async () => {
      const { person, store } = await enter();
      const { gatehouse } = open({ store });
      expect(gatehouse.session).not.toBeNull();
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe(person.id);
    });

    it('finds it in a store that takes its time', async () => {
      const { stored } = await enter();
      const store = { load: () => Promise.resolve(stored()), save: () => Promise.resolve() };
      const { gatehouse } = open({ store });
      const started = jest.fn();
      gatehouse.on('started', started);
      expect((await gatehouse.api.GET(PROFILE)).error).toBeUndefined();
      expect(started).toHaveBeenCalledTimes(1);
    });

    it.each([
      ['the service says that the access token has run out', false],
      ['the access token is known to have run out', true],
    ])('renews the session once for 50 at a time where %s', async (_, isKnown) => {
      const { gatehouse, wire, person, store, stored } = await enter();
      app.clock.advance(15 * MINUTE);
      if (isKnown) await store.save({ ...stored()!, expiresAt: Date.now() });
      const answers = await Promise.all(Array.from({ length: 50 }, () => gatehouse.api.GET(PROFILE)));
      expect(answers.map(({ data }) => data?.id)).toEqual(Array(50).fill(person.id));
      expect(wire.count(REFRESH)).toBe(1);
      expect(wire.count(`GET ${PROFILE}`)).toBe(isKnown ? 50 : 100);
    });

    it('of two clients with one store renews it once, as well', async () => {
      const { navigator } = globalThis;
      Object.defineProperty(globalThis, 'navigator', { value: undefined, configurable: true });
      const { gatehouse, wire, store } = await enter();
      const { gatehouse: second, wire: secondWire } = open({ store });
      app.clock.advance(15 * MINUTE);
      await Promise.all([gatehouse, second].map(({ api }) => api.GET(PROFILE)));
      Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
      expect(wire.count(REFRESH) + secondWire.count(REFRESH)).toBe(1);
    });

    it('is made again with its body', async () => {
      const { gatehouse, wire } = await enter();
      app.clock.advance(15 * MINUTE);
      const { data } = await gatehouse.api.PUT(PROFILE, { body: { name: 'Ada Lovelace' } });
      expect(data?.name).toBe('Ada Lovelace');
      expect(wire.calls).toEqual([`PUT ${PROFILE}`, REFRESH, `PUT ${PROFILE}`]);
    });

    it('to a public route renews nothing', async () => {
      const { gatehouse, wire, store, stored } = await enter();
      await store.save({ ...stored()!, expiresAt: Date.now() });
      expect((await gatehouse.api.GET('/api/status')).data?.name).toBe('gatehouse');
      expect(wire.calls).toEqual(['GET /api/status']);
    });

    it('that brings its own credential is left alone', async () => {
      const { gatehouse, wire, endings } = await enter();
      const other = await verified(app);
      const { token } = await login(app, other);
      const call = (value: string) =>
        gatehouse.api.GET(PROFILE, { headers: { Authorization: `Bearer ${value}` } });
      expect((await call(token)).data?.id).toBe(other.id);
      expect((await call('rubbish')).error?.code).toBe('token_invalid');
      expect(wire.count(REFRESH)).toBe(0);
      expect(endings).toEqual([]);
    });

    it('is not made again in the name of whoever logged in meanwhile', async () => {
      const other = await enter();
      const { gatehouse, wire, store } = await enter({
        fetch: async (input) => {
          const response = await fetch(input);
          if ((input as Request).method === 'PUT') await store.save(other.stored());
          return response;
        },
      });
      app.clock.advance(15 * MINUTE);
      const { error } = await gatehouse.api.PUT(PROFILE, { body: { name: 'Somebody else' } });
      expect(error?.code).toBe('token_expired');
      expect(wire.calls).toEqual([`PUT ${PROFILE}`]);
    });
  });

  describe('a session that is over', () => {
    it('is forgotten at once where the service says that it was ended', async () => {
      const { gatehouse, wire, endings, person, stored } = await enter();
      await app.http.post('/api/auth/logout-all', {}, { token: (await login(app, person)).token });
      const answers = await Promise.all(Array.from({ length: 10 }, () => gatehouse.api.GET(PROFILE)));
      expect(new Set(answers.map(({ error }) => error?.code))).toEqual(new Set(['session_revoked']));
      expect(endings).toEqual(['session_revoked']);
      expect(stored()).toBeNull();
      expect(gatehouse.session).toBeNull();
      expect(wire.count(REFRESH)).toBe(0);
    });

    it('is told once, with the reason of the refusal', async () => {
      const { gatehouse, wire, endings, stored } = await enter();
      app.clock.advance(8 * DAY);
      const answers = await Promise.all(Array.from({ length: 10 }, () => gatehouse.api.GET(PROFILE)));
      expect(new Set(answers.map(({ error }) => error?.code))).toEqual(new Set(['token_expired']));
      expect(endings).toEqual(['token_expired']);
      expect(stored()).toBeNull();
      expect(wire.count(REFRESH)).toBe(1);
    });

    it('says so where a copy of the refresh token was used', async () => {
      const { gatehouse, endings, stored } = await enter();
      let token = stored()!.refreshToken;
      for (let round = 0; round < 2; round++) {
        const { body } = await app.http.post('/api/auth/refresh', { refresh_token: token });
        token = body.refresh_token as string;
      }
      const { error } = await gatehouse.refresh();
      expect(error?.code).toBe('refresh_token_reused');
      expect(endings).toEqual(['refresh_token_reused']);
    });

    it('is over with the account', async () => {
      const { gatehouse, endings } = await enter();
      const { error } = await gatehouse.api.DELETE(PROFILE, { body: { password: PASSWORD } });
      expect(error).toBeUndefined();
      expect(endings).toEqual(['logged_out']);
    });
  });

  describe('refresh()', () => {
    it('answers with a session that lives longer', async () => {
      const { gatehouse, wire, stored } = await enter();
      const before = stored()!;
      const { data, error } = await gatehouse.refresh();
      expect(error).toBeUndefined();
      expect(data).toEqual(gatehouse.session);
      expect(stored()!.accessToken).not.toBe(before.accessToken);
      expect(wire.calls).toEqual([REFRESH]);
    });

    it('answers with a problem where there is no session', async () => {
      const { gatehouse, wire } = open();
      expect((await gatehouse.refresh()).error).toMatchObject({ code: 'unauthenticated', status: 401 });
      expect(wire.calls).toEqual([]);
    });

    it('keeps the session where the answer was lost, and the service forgives the repetition', async () => {
      let isLost = true;
      const { gatehouse, endings } = await enter({
        fetch: async (input) => {
          const response = await fetch(input);
          if (isLost && (input as Request).url.endsWith('/refresh'))
            throw new TypeError('the line went dead');
          return response;
        },
      });
      expect((await gatehouse.refresh()).error).toMatchObject({ code: 'unreachable', status: 0 });
      expect(gatehouse.session).not.toBeNull();
      isLost = false;
      app.clock.advance(DAY);
      expect((await gatehouse.api.GET(PROFILE)).error).toBeUndefined();
      expect(endings).toEqual([]);
    });

    it('is a call of its own: who waits for it may give up', async () => {
      const { gatehouse, wire } = await enter({
        fetch: async (input) => {
          if ((input as Request).url.endsWith('/refresh')) await new Promise((go) => setTimeout(go, 1000));
          return fetch(input);
        },
      });
      app.clock.advance(15 * MINUTE);
      const order: string[] = [];
      const [hasty, patient] = await Promise.all([
        gatehouse.api.GET(PROFILE, { signal: AbortSignal.timeout(150) }).finally(() => order.push('hasty')),
        gatehouse.api.GET(PROFILE).finally(() => order.push('patient')),
        new Promise((resolve) => setTimeout(resolve, 900)).then(() => order.push('the answer')),
      ]);
      expect(hasty.error?.code).toBe('unreachable');
      expect(patient.error).toBeUndefined();
      expect(order).toEqual(['hasty', 'the answer', 'patient']);
      expect(wire.count(REFRESH)).toBe(1);
    });
  });

  describe('logout()', () => {
    it('ends the session, here and at the service', async () => {
      const { gatehouse, endings, stored } = await enter();
      const { accessToken } = stored()!;
      const { data, error } = await gatehouse.logout();
      expect([data?.message, error]).toEqual(['You are logged out', undefined]);
      expect(endings).toEqual(['logged_out']);
      expect([stored(), gatehouse.session]).toEqual([null, null]);
      const { body } = await app.http.get(PROFILE, { token: accessToken });
      expect(body.code).toBe('session_revoked');
    });

    it('ends it at the service after the access token has run out, too', async () => {
      const { gatehouse, person } = await enter();
      app.clock.advance(15 * MINUTE);
      expect((await gatehouse.logout()).error).toBeUndefined();
      const { token } = await login(app, person);
      const { body } = await app.http.get<unknown[]>('/api/auth/sessions', { token });
      expect(body).toHaveLength(1);
    });

    it('is no failure where the session is over already', async () => {
      const { gatehouse } = await enter();
      app.clock.advance(8 * DAY);
      expect((await gatehouse.logout()).error).toBeUndefined();
      expect((await gatehouse.logout()).error).toBeUndefined();
    });

    it('forgets the session where the service cannot be told, and says so', async () => {
      let isOffline = false;
      const { gatehouse, endings, stored } = await enter({
        fetch: (input) => (isOffline ? Promise.reject(new TypeError('offline')) : fetch(input)),
      });
      isOffline = true;
      expect((await gatehouse.logout()).error?.code).toBe('unreachable');
      expect(stored()).toBeNull();
      expect(endings).toEqual(['logged_out']);
    });
  });

  describe('logoutEverywhere()', () => {
    it('ends every session', async () => {
      const { gatehouse, endings, person } = await enter();
      await login(app, person);
      expect((await gatehouse.logoutEverywhere()).data).toEqual({ revoked: 2 });
      expect(endings).toEqual(['logged_out']);
    });

    it('asks for the password some time after the login', async () => {
      const { gatehouse, endings } = await enter();
      app.clock.advance(6 * MINUTE);
      expect((await gatehouse.logoutEverywhere()).error?.code).toBe('recent_login_required');
      expect((await gatehouse.logoutEverywhere({ password: 'wrong' })).error?.code).toBe(
        'password_incorrect',
      );
      expect(endings).toEqual([]);
      expect((await gatehouse.logoutEverywhere({ password: PASSWORD })).data).toEqual({ revoked: 1 });
    });

    it('spares this one where asked', async () => {
      const { gatehouse, endings, person } = await enter();
      await login(app, person);
      expect((await gatehouse.logoutEverywhere({ exceptCurrent: true })).data).toEqual({ revoked: 1 });
      expect(endings).toEqual([]);
      expect((await gatehouse.api.GET(PROFILE)).error).toBeUndefined();
    });
  });

  describe('register()', () => {
    const account = () => ({ email: freshEmail(), password: PASSWORD });

    it('says that a letter is on its way', async () => {
      const { gatehouse } = open();
      const { data } = await gatehouse.register(account());
      expect(data).toMatchObject({ verificationRequired: true, user: { emailVerified: false } });
      expect(gatehouse.session).toBeNull();
    });

    it('logs in where addresses are not verified', async () => {
      const trusting = await TestApp.start({
        database: app.database,
        clock: app.clock,
        env: { EMAIL_VERIFICATION: 'off' },
      });
      const { gatehouse } = open({ baseUrl: trusting.http.baseUrl });
      const { data } = await gatehouse.register(account());
      expect(data?.verificationRequired).toBe(false);
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe(data?.user.id);
      await trusting.close();
    });

    it('answers with the problem', async () => {
      const { email } = await verified(app);
      const { error } = await open().gatehouse.register({ email, password: PASSWORD });
      expect(error?.code).toBe('email_taken');
    });
  });

  describe('the events', () => {
    const short = (milliseconds: number): StoredSession => ({
      userId: 'u',
      startedAt: 0,
      accessToken: 'a',
      refreshToken: 'r',
      expiresAt: Date.now() + milliseconds,
    });
    const storeOf = (session: StoredSession) => ({ ...memoryStore(), load: () => session });

    it('expiring is told before the end, once', async () => {
      const expiring = jest.fn();
      const begin = Date.now();
      const { gatehouse } = open({
        store: storeOf(short(3000)),
        expiringSeconds: 2,
        onSessionExpiring: () => expiring(Date.now() - begin),
      });
      await eventually(() => expiring.mock.calls.length > 0);
      expect(expiring.mock.lastCall![0]).toBeGreaterThanOrEqual(1490);
      expect(expiring.mock.lastCall![0]).toBeLessThan(3000);
      await new Promise((resolve) => setTimeout(resolve, 1600));
      expect(expiring).toHaveBeenCalledTimes(1);
      // What has run out is the access token: the session may well be renewed.
      expect(gatehouse.session).not.toBeNull();
    });

    it('expiring is told half-way through a life that is shorter, so that renewing at once is no loop', async () => {
      const brief = await TestApp.start({
        database: app.database,
        clock: app.clock,
        env: { ACCESS_TOKEN_TTL: '2s' },
      });
      const { gatehouse, wire } = open({ baseUrl: brief.http.baseUrl });
      gatehouse.on('expiring', () => void gatehouse.refresh());
      await gatehouse.login(await verified(app));
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(wire.count(REFRESH)).toBeGreaterThanOrEqual(1);
      expect(wire.count(REFRESH)).toBeLessThanOrEqual(6);
      gatehouse.close();
      await brief.close();
    });

    it('expiring is not told where the session was renewed in time', async () => {
      const { gatehouse, store, stored } = await enter({ expiringSeconds: 0.5 });
      const expiring = jest.fn();
      gatehouse.on('expiring', expiring);
      await store.save({ ...stored()!, accessToken: 'another', expiresAt: Date.now() + 1000 });
      await gatehouse.api.GET(PROFILE);
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(expiring).not.toHaveBeenCalled();
    });

    it('reach nobody who has unsubscribed, and nobody after close()', async () => {
      const { gatehouse } = await enter();
      const left = jest.fn();
      const closed = jest.fn();
      gatehouse.on('ended', left)();
      gatehouse.on('ended', closed);
      gatehouse.close();
      await gatehouse.logout();
      expect([left, closed].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
    });
  });
});
