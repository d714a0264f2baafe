import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ApplicationConfig } from '@nestjs/core';
import { Registry } from 'prom-client';
import { BUDGETS, type Budget, type Scope } from '../../src/rate-limit/budgets';
import { freshEmail, loggedIn, PASSWORD, verified } from '../support/actors';
import { TestApp } from '../support/app';

let lastAddress = 0;
/** A client nobody has seen yet; the test apps believe what this machine says of it. */
const stranger = () => {
  lastAddress += 1;
  return { 'X-Forwarded-For': `198.51.${lastAddress >> 8}.${lastAddress & 255}` };
};
const ON = { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' };
const times = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
const statuses = (answers: { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

describe('rate limits', () => {
  let app: TestApp;
  const wrongLogin = (headers: Record<string, string>, email = freshEmail()) =>
    app.http.post('/api/auth/login', { email, password: PASSWORD }, { headers });

  /** What costs no hash: the gate before those refuses bursts for reasons of its own. */
  const presentToken = (headers: Record<string, string>, on = app) =>
    on.http.post('/api/auth/verify', { token: 'nobody-has-sent-this' }, { headers });

  beforeAll(async () => {
    app = await TestApp.start({ env: ON });
  });
  afterAll(() => app.close());

  it('docs/rate-limits.md is the table of the code', () => {
    const text = readFileSync(join(__dirname, '../../docs/rate-limits.md'), 'utf8');
    const rows = [
      ...text.matchAll(/^\| `([\w-]+)` +\|[^|]+\| ([^|]+?) +\| ([^|]+?) +\| ([^|]+?) +\|$/gm),
    ].map((row) => row.slice(1));
    const cell = (budget: Budget, scope: Scope) =>
      budget[scope] ? `${budget[scope].requests} / ${budget[scope].seconds} s` : '–';
    expect(rows).toEqual(
      Object.entries(BUDGETS).map(([name, budget]) => [
        name,
        cell(budget, 'address'),
        cell(budget, 'account'),
        cell(budget, 'everyone'),
      ]),
    );
  });

  it('the guards run in this order: whatever one refuses, the first has counted', () => {
    const guards = app.nest
      .get(ApplicationConfig)
      .getGlobalRequestGuards()
      .map(({ metatype }) => (metatype as { name: string } | undefined)?.name);
    const others = app.nest
      .get(ApplicationConfig)
      .getGlobalGuards()
      .map((guard) => guard.constructor.name);
    expect([...guards, ...others]).toEqual([
      'AddressThrottlerGuard',
      'AuthenticationGuard',
      'CsrfGuard',
      'OwnershipGuard',
      'RecentLoginGuard',
      'AccountThrottlerGuard',
    ]);
  });

  it('of 100 parallel requests of one address 30 are judged, the others are 429 and told when to come back', async () => {
    const headers = stranger();
    const answers = await times(100, () => presentToken(headers));
    expect([statuses(answers, 400), statuses(answers, 429)]).toEqual([30, 70]);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.body).toMatchObject({ code: 'too_many_requests', status: 429 });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(58);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(refused.headers.get('ratelimit-policy')).toBe('"requests";q=3000;w=60, "verify";q=30;w=60');
    expect(refused.headers.get('ratelimit')).toMatch(/^"requests";r=2\d{3};t=\d+, "verify";r=0;t=\d+$/);
    // Another client and another budget are as they were.
    expect((await presentToken(stranger())).status).toBe(400);
    const other = await app.http.post('/api/auth/reset-request', { email: freshEmail() }, { headers });
    expect(other.status).toBe(202);
  });

  it('tells what is left from the first answer on', async () => {
    const headers = stranger();
    const first = await wrongLogin(headers);
    const second = await wrongLogin(headers);
    expect(first.headers.get('ratelimit')).toBe('"requests";r=2999;t=60, "login";r=29;t=60');
    expect(second.headers.get('ratelimit')).toMatch(/^"requests";r=2998;t=\d+, "login";r=28;t=\d+$/);
  });

  it('every spelling of a path counts in one bucket', async () => {
    const headers = stranger();
    const body = () => ({ email: freshEmail(), password: PASSWORD });
    const spellings = ['/api/auth/login', '/api/auth/login?x=1', '/api/auth/%6cogin', '/%61pi/auth/login'];
    const remaining: number[] = [];
    for (const path of spellings) {
      const response = await fetch(app.http.baseUrl + path, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(body()),
      });
      expect([path, response.status]).toEqual([path, 401]);
      remaining.push(Number(/"login";r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1]));
    }
    expect(remaining).toEqual([29, 28, 27, 26]);
    // Other spellings lead nowhere, and are counted for it.
    for (const path of ['/API/auth/login', '/api/auth/login/', '//api/auth/login', '/api/auth/login;x'])
      expect((await app.http.post(path, body(), { headers })).status).toBe(404);
  });

  it.each([
    ['a body that is not JSON', 'POST', '/api/auth/login', '{"email":', 400],
    ['a path that is not there', 'GET', '/nothing/here', undefined, 404],
    ['a path that does not decode', 'GET', '/api/%zz', undefined, 400],
    ['no credential', 'GET', '/api/auth/profile', undefined, 401],
    ['a method that is not there', 'PUT', '/api/auth/login', '{}', 405],
    ['a form', 'POST', '/api/auth/login', undefined, 415],
  ] as const)('%s counts as a request', async (_what, method, path, body, status) => {
    const headers = stranger();
    const send = async () => {
      const isForm = status === 415;
      const type = isForm ? 'application/x-www-form-urlencoded' : body && 'application/json';
      const init = {
        method,
        headers: { ...headers, ...(type ? { 'Content-Type': type } : {}) },
        body: isForm ? 'email=a' : body,
      };
      const response = await fetch(app.http.baseUrl + path, init);
      return [response.status, /"requests";r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1]];
    };
    expect(await send()).toEqual([status, '2999']);
    expect(await send()).toEqual([status, '2998']);
  });

  it('beyond 3000 requests a minute everything is 429, before its body is read; probes are answered', async () => {
    const headers = stranger();
    await times(30, () =>
      times(100, () => fetch(`${app.http.baseUrl}/nothing`, { headers }).then((r) => r.text())),
    );
    const paths = ['/nothing', '/api/auth/profile', '/health', '/docs', '/openapi.json', '/openapi.yaml'];
    for (const path of paths) {
      const response = await fetch(app.http.baseUrl + path, { headers });
      expect([path, response.status]).toEqual([path, 429]);
      expect(await response.json()).toMatchObject({ code: 'too_many_requests' });
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    const malformed = await fetch(`${app.http.baseUrl}/api/auth/login`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: '{"email":',
    });
    expect(malformed.status).toBe(429);
    for (const path of ['/health/live', '/health/ready'])
      expect((await app.http.get(path, { headers })).status).toBe(200);
    expect((await app.http.get('/nothing', { headers: stranger() })).status).toBe(404);
  });

  it('one account asked for from many addresses is limited, whether it exists or not', async () => {
    const somebody = (await verified(app)).email;
    for (const email of [somebody, freshEmail()]) {
      const spelt = (index: number) => (index % 2 ? email.toUpperCase() : email);
      const answers = await times(50, (index) =>
        app.http.post('/api/auth/reset-request', { email: spelt(index) }, { headers: stranger() }),
      );
      expect([statuses(answers, 202), statuses(answers, 429)]).toEqual([5, 45]);
      const refused = answers.find(({ status }) => status === 429)!;
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500);
      // What strangers did to the account is not told.
      expect(refused.headers.get('ratelimit-policy')).toBe('"requests";q=3000;w=60, "reset";q=10;w=900');
    }
    expect(app.mailbox.to(somebody).filter(({ subject }) => /password/i.test(subject)).length).toBeLessThan(
      6,
    );
  });

  it('wrong current passwords of one session are limited by its account', async () => {
    const { token } = await loggedIn(app);
    const answers = await times(40, () =>
      app.http.post(
        '/api/auth/change-password',
        { currentPassword: 'wrong horse 7 battery!', newPassword: 'another horse 8 battery!' },
        { token, headers: stranger() },
      ),
    );
    expect([statuses(answers, 403), statuses(answers, 429)]).toEqual([20, 20]);
  });

  it('a flood of one address is one line in the log and a number in the metrics', async () => {
    const metrics = await app.nest.get(Registry).metrics();
    const count = /gatehouse_rate_limit_refusals_total\{budget="verify",scope="address"\} (\d+)/.exec(
      metrics,
    );
    expect(Number(count?.[1])).toBeGreaterThanOrEqual(70);
  });

  it('a path that does not decode is refused like any other, by the address of the peer', async () => {
    const direct = await TestApp.start({ env: { RATE_LIMITS: 'on' }, database: app.database });
    const url = `${direct.http.baseUrl}/api/%zz`;
    await times(30, () => times(100, () => fetch(url).then((response) => response.text())));
    const response = await fetch(url);
    expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([429, true]);
    await direct.close();
  });

  it('a factor multiplies every budget', async () => {
    const wide = await TestApp.start({ env: { ...ON, RATE_LIMITS: '3' }, database: app.database });
    const headers = stranger();
    const answers = await times(100, () => presentToken(headers, wide));
    expect([statuses(answers, 400), statuses(answers, 429)]).toEqual([90, 10]);
    await wide.close();
  });
});

describe('the address of a client', () => {
  const spoofs = [
    'X-Forwarded-For',
    'X-Real-IP',
    'X-Client-IP',
    'Forwarded',
    'True-Client-IP',
    'CF-Connecting-IP',
  ];
  const remaining = async (app: TestApp, headers: Record<string, string>) => {
    const { headers: answered } = await app.http.get('/nothing', { headers });
    return Number(/"requests";r=(\d+)/.exec(answered.get('ratelimit') ?? '')?.[1]);
  };

  it('does not move by any header while no proxy is trusted, and that is counted', async () => {
    const app = await TestApp.start({ env: { RATE_LIMITS: 'on' } });
    const seen: number[] = [];
    for (const name of spoofs)
      seen.push(await remaining(app, { [name]: name === 'Forwarded' ? 'for=203.0.113.9' : '203.0.113.9' }));
    expect(seen).toEqual([2999, 2998, 2997, 2996, 2995, 2994]);
    expect(await app.nest.get(Registry).metrics()).toContain('gatehouse_untrusted_forwarded_total 3');
    await app.close();
  });

  it('is the last that the trusted hop has added, whatever the client put before it', async () => {
    const app = await TestApp.start({ env: { RATE_LIMITS: 'on', TRUST_PROXY: '1' } });
    expect(await remaining(app, { 'X-Forwarded-For': '203.0.113.1' })).toBe(2999);
    expect(await remaining(app, { 'X-Forwarded-For': '198.51.100.7, 203.0.113.1' })).toBe(2998);
    expect(
      await remaining(app, { 'X-Forwarded-For': '198.51.100.8, 203.0.113.1', 'X-Real-IP': '9.9.9.9' }),
    ).toBe(2997);
    expect(await remaining(app, { 'X-Forwarded-For': '203.0.113.2' })).toBe(2999);
    expect(await app.nest.get(Registry).metrics()).toContain('gatehouse_untrusted_forwarded_total 0');
    await app.close();
  });

  it('is not believed of a peer outside the trusted networks', async () => {
    const app = await TestApp.start({ env: { RATE_LIMITS: 'on', TRUST_PROXY: '10.0.0.0/8' } });
    expect(await remaining(app, { 'X-Forwarded-For': '203.0.113.1' })).toBe(2999);
    expect(await remaining(app, { 'X-Forwarded-For': '203.0.113.2' })).toBe(2998);
    expect(await app.nest.get(Registry).metrics()).toContain('gatehouse_untrusted_forwarded_total 2');
    await app.close();
  });

  it.each([
    ['an IPv6 /64 is one client', '2001:db8:1:2::1', '2001:DB8:1:2:ffff::9', 2998],
    ['the next /64 is another', '2001:db8:1:3::1', '2001:db8:1:4::1', 2999],
    ['a mapped IPv4 address is the IPv4 address', '203.0.113.5', '::ffff:203.0.113.5', 2998],
    ['spellings of an address are equal', '2001:db8::1', '2001:0db8:0000:0000:0000:0000:0000:0001', 2998],
    ['a port does not count', '203.0.113.77', '203.0.113.77:5123', 2998],
  ])('%s', async (_what, first, second, expected) => {
    const app = await TestApp.start({ env: ON });
    expect(await remaining(app, { 'X-Forwarded-For': first })).toBe(2999);
    expect(await remaining(app, { 'X-Forwarded-For': second })).toBe(expected);
    await app.close();
  });

  it('a connection that only sends garbage leaves the service as it was', async () => {
    const app = await TestApp.start({ env: ON });
    const { port, hostname } = new URL(app.http.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.end('GARBAGE\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect((await app.http.get('/health/live')).status).toBe(200);
    await app.close();
  });
});
