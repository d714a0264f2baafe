import { createClient, type ClientOptions, type EndReason, type Gatehouse } from '../../client/src/index';
import { freshEmail, login, PASSWORD, verified, type Actor } from '../support/actors';
import { TestApp } from '../support/app';
import { cookieJar, eventually, recording } from '../support/client';
import { DAY, MINUTE } from '../support/clock';

const CSRF = 'GET /api/auth/csrf';
const PROFILE = '/api/auth/profile';

describe('the client with a cookie', () => {
  let app: TestApp;
  const clients: Gatehouse[] = [];

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => app.close());

  /** A page in a browser. Pages with one jar are tabs of one browser, or the same page after a reload. */
  const open = (options: ClientOptions = {}, jar = cookieJar(options.fetch)) => {
    const wire = recording(jar.fetch);
    const gatehouse = createClient({
      baseUrl: app.http.baseUrl,
      transport: 'cookie',
      ...options,
      fetch: wire.fetch,
    });
    clients.push(gatehouse);
    const endings: EndReason[] = [];
    gatehouse.on('ended', ({ reason }) => void endings.push(reason));
    return { gatehouse, wire, jar, endings };
  };

  const enter = async (options: ClientOptions = {}, actor?: Actor) => {
    const person = actor ?? (await verified(app));
    const opened = open(options);
    const { error } = await opened.gatehouse.login(person);
    expect(error).toBeUndefined();
    opened.wire.calls.length = 0;
    return { ...opened, person };
  };

  const rename = (gatehouse: Gatehouse, name = 'Ada') => gatehouse.api.PUT(PROFILE, { body: { name } });

  describe('login()', () => {
    it('answers with the user and knows until when the session lives', async () => {
      const { gatehouse, jar, person } = await enter();
      const left = gatehouse.session!.expiresAt.getTime() - Date.now();
      expect(left).toBeGreaterThan(7 * DAY - MINUTE);
      expect(left).toBeLessThan(7 * DAY + MINUTE);
      expect(gatehouse.session!.transport).toBe('cookie');
      expect(jar.cookies.get('session')).toMatch(/^ghs_/);
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe(person.id);
    });

    it('corrects the end by the clock of the service', async () => {
      const ahead = await TestApp.start({ database: app.database });
      ahead.clock.advance(DAY);
      const { gatehouse } = open({
        baseUrl: ahead.http.baseUrl,
        fetch: async (input) => {
          const { body, status, headers } = await fetch(input);
          const dated = new Headers(headers);
          dated.set('Date', ahead.clock.now().toUTCString());
          return new Response(body, { status, headers: dated });
        },
      });
      await gatehouse.login(await verified(app));
      await ahead.close();
      const left = gatehouse.session!.expiresAt.getTime() - Date.now();
      expect(Math.abs(left - 7 * DAY)).toBeLessThan(MINUTE);
    });

    it('answers with the problem where the password is wrong', async () => {
      const { gatehouse } = open();
      const { error } = await gatehouse.login({ email: freshEmail(), password: PASSWORD });
      expect(error?.code).toBe('invalid_credentials');
      expect(gatehouse.session).toBeNull();
    });
  });

  describe('a writing call', () => {
    it('proves that it is the own one with the token of the login', async () => {
      const { gatehouse, wire } = await enter();
      expect((await rename(gatehouse)).data?.name).toBe('Ada');
      expect(wire.calls).toEqual([`PUT ${PROFILE}`]);
    });

    it('asks for the token once after a reload, however many need it', async () => {
      const { jar } = await enter();
      const { gatehouse, wire } = open({}, jar);
      const answers = await Promise.all(Array.from({ length: 10 }, () => rename(gatehouse)));
      expect(answers.map(({ data }) => data?.name)).toEqual(Array(10).fill('Ada'));
      expect(wire.count(CSRF)).toBe(1);
      await rename(gatehouse);
      expect(wire.count(CSRF)).toBe(1);
    });

    it('asks for another one where the session is another one', async () => {
      const { BroadcastChannel } = globalThis;
      Object.defineProperty(globalThis, 'BroadcastChannel', { value: undefined, configurable: true });
      const { gatehouse, wire, jar, person } = await enter();
      Object.defineProperty(globalThis, 'BroadcastChannel', { value: BroadcastChannel, configurable: true });
      await open({}, jar).gatehouse.login(person);
      const { error, data } = await rename(gatehouse, 'Grace');
      expect([data?.name, error]).toEqual(['Grace', undefined]);
      expect(wire.calls).toEqual([`PUT ${PROFILE}`, CSRF, `PUT ${PROFILE}`]);
    });

    it('is refused where nobody is logged in, without being sent', async () => {
      const { gatehouse, wire, endings } = open();
      expect((await rename(gatehouse)).error?.code).toBe('unauthenticated');
      expect(wire.calls).toEqual([CSRF]);
      expect(endings).toEqual([]);
    });

    it('to a public route needs no token', async () => {
      const { gatehouse, wire } = open();
      const { error } = await gatehouse.api.POST('/api/auth/reset-request', {
        body: { email: freshEmail() },
      });
      expect(error).toBeUndefined();
      expect(wire.calls).toEqual(['POST /api/auth/reset-request']);
    });
  });

  describe('refresh()', () => {
    it('finds the session after a reload', async () => {
      const { jar } = await enter();
      const { gatehouse } = open({}, jar);
      const started = jest.fn();
      gatehouse.on('started', started);
      expect(gatehouse.session).toBeNull();
      const { data } = await gatehouse.refresh();
      expect(data).toEqual(gatehouse.session);
      expect(Math.abs(data!.expiresAt.getTime() - Date.now() - 7 * DAY)).toBeLessThan(2 * MINUTE);
      expect(started).toHaveBeenCalledTimes(1);
    });

    it('tells that there is none', async () => {
      const { gatehouse, endings } = open();
      expect((await gatehouse.refresh()).error).toMatchObject({ code: 'unauthenticated', status: 401 });
      expect(endings).toEqual([]);
    });

    it('puts the end off', async () => {
      const { gatehouse } = await enter();
      const before = gatehouse.session!.expiresAt;
      const later = Date.now() + 10 * MINUTE;
      jest.spyOn(Date, 'now').mockImplementation(() => later);
      await gatehouse.refresh();
      const gained = gatehouse.session!.expiresAt.getTime() - before.getTime();
      expect(gained).toBeGreaterThan(9 * MINUTE);
    });
  });

  describe('the end of the session', () => {
    it('is put off by use, as the service does it', async () => {
      const { gatehouse } = await enter();
      const before = gatehouse.session!.expiresAt.getTime();
      await gatehouse.api.GET(PROFILE);
      expect(gatehouse.session!.expiresAt.getTime()).toBe(before);
      const later = Date.now() + 2 * MINUTE;
      jest.spyOn(Date, 'now').mockImplementation(() => later);
      await gatehouse.api.GET(PROFILE);
      const gained = gatehouse.session!.expiresAt.getTime() - before;
      expect(gained).toBeGreaterThanOrEqual(2 * MINUTE - 1000);
      expect(gained).toBeLessThan(3 * MINUTE);
    });

    it('is put off for the other tabs as well', async () => {
      const { gatehouse: first, jar } = await enter();
      const { gatehouse: second } = open({}, jar);
      await second.refresh();
      await eventually(() => first.session!.expiresAt.getTime() === second.session!.expiresAt.getTime());
      const renewed = jest.fn();
      second.on('renewed', renewed);
      const later = Date.now() + 2 * MINUTE;
      jest.spyOn(Date, 'now').mockImplementation(() => later);
      await first.api.GET(PROFILE);
      jest.restoreAllMocks();
      await eventually(() => renewed.mock.calls.length > 0);
      expect(renewed).toHaveBeenCalledTimes(1);
      expect(second.session).toEqual(first.session);
    });

    it('is told before, and when it has come', async () => {
      const brief = await TestApp.start({ database: app.database, env: { SESSION_TTL: '4s' } });
      const { gatehouse, endings } = open({ baseUrl: brief.http.baseUrl, expiringSeconds: 2 });
      const expiring = jest.fn();
      gatehouse.on('expiring', expiring);
      await gatehouse.login(await verified(app));
      await eventually(() => expiring.mock.calls.length > 0);
      expect(endings).toEqual([]);
      await eventually(() => endings.length > 0, 15_000);
      expect(endings).toEqual(['session_revoked']);
      expect(gatehouse.session).toBeNull();
      await brief.close();
    });

    it('is told with the reason of the service where it comes early', async () => {
      const { gatehouse, endings, person } = await enter();
      await app.http.post('/api/auth/logout-all', {}, { token: (await login(app, person)).token });
      const { error } = await gatehouse.api.GET(PROFILE);
      expect(error?.code).toBe('session_revoked');
      expect(endings).toEqual(['session_revoked']);
    });
  });

  describe('logout()', () => {
    it('ends the session and takes the cookie away', async () => {
      const { gatehouse, jar, endings } = await enter();
      expect((await gatehouse.logout()).error).toBeUndefined();
      expect(jar.cookies.has('session')).toBe(false);
      expect(endings).toEqual(['logged_out']);
      expect(gatehouse.session).toBeNull();
    });

    it('is a failure where the service cannot be told: the cookie is still there', async () => {
      let isOffline = false;
      const { gatehouse, endings } = await enter({
        fetch: (input) => (isOffline ? Promise.reject(new TypeError('offline')) : fetch(input)),
      });
      isOffline = true;
      expect((await gatehouse.logout()).error?.code).toBe('unreachable');
      expect(endings).toEqual([]);
      isOffline = false;
      expect((await gatehouse.logout()).error).toBeUndefined();
    });

    it('is none where nobody is logged in', async () => {
      expect((await open().gatehouse.logout()).error).toBeUndefined();
    });

    it('everywhere ends the others as well', async () => {
      const { gatehouse, person, endings } = await enter();
      await login(app, person);
      expect((await gatehouse.logoutEverywhere()).data).toEqual({ revoked: 2 });
      expect(endings).toEqual(['logged_out']);
    });
  });

  describe('register()', () => {
    it('ends in a cookie session, and no other, where addresses are not verified', async () => {
      const trusting = await TestApp.start({ database: app.database, env: { EMAIL_VERIFICATION: 'off' } });
      const { gatehouse, endings } = open({ baseUrl: trusting.http.baseUrl });
      const { data } = await gatehouse.register({ email: freshEmail(), password: PASSWORD });
      expect(data?.verificationRequired).toBe(false);
      const sessions = await gatehouse.api.GET('/api/auth/sessions');
      expect(sessions.data?.map(({ transport }) => transport)).toEqual(['cookie']);
      expect(endings).toEqual([]);
      await trusting.close();
    });
  });

  describe('other tabs', () => {
    it('are told of a login and of a logout', async () => {
      const { gatehouse: first, jar, person } = await enter();
      const { gatehouse: second, wire, endings } = open({}, jar);
      const started = jest.fn();
      await rename(second);
      wire.calls.length = 0;
      second.on('started', started);
      await first.login(person);
      await eventually(() => started.mock.calls.length > 0);
      expect((await rename(second)).error).toBeUndefined();
      expect(wire.calls).toEqual([CSRF, `PUT ${PROFILE}`]);
      await first.logout();
      await eventually(() => endings.length > 0);
      expect(endings).toEqual(['logged_out']);
    });
  });
});
