import { METHODS } from 'node:http';
import { connect } from 'node:net';
import perfHooks from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { PROJECT } from '../../src/common/project';
import { Lifecycle } from '../../src/common/lifecycle';
import { Transactions } from '../../src/database/transactions';
import { Config } from '../../src/config/config';
import { Jobs } from '../../src/jobs/jobs.service';
import { MetricsServer } from '../../src/metrics/metrics.server';
import { MetricsService } from '../../src/metrics/metrics.service';
import { RevocationService } from '../../src/sessions/revocation.service';
import { SessionsService } from '../../src/sessions/sessions.service';
import { loggedIn, login, PASSWORD, unverified, verified } from '../support/actors';
import { TestApp, type TestAppOptions } from '../support/app';
import { MINUTE } from '../support/clock';
import { createDatabase } from '../support/database';
import { MailServer } from '../support/mail-server';
import { Metrics } from '../support/metrics';
import { exchange, request } from '../support/raw';

const METRICS_TOKEN = 'ZXo0k1v7Wq9sB2nM5cT8yR3uP6aL4dFh';
const WITH_TOKEN = { METRICS_TOKEN };
const WITH_PORT = { METRICS_PORT: '0' };

const apps: TestApp[] = [];
const start = async (options: TestAppOptions = {}) => {
  const app = await TestApp.start({ ...options, env: { ...WITH_TOKEN, ...options.env } });
  apps.push(app);
  return app;
};
afterEach(async () => {
  for (const app of apps.splice(0).toReversed()) await app.close();
});

const metricsOf = (app: TestApp) => Metrics.from(app.http.baseUrl, METRICS_TOKEN);
const authorized = (credentials: string) => ({ headers: { Authorization: credentials } });

describe('GET /metrics', () => {
  it('is a path like any other unknown one where neither a token nor a port is set', async () => {
    const app = await TestApp.start();
    apps.push(app);
    for (const method of ['GET', 'HEAD', 'POST']) {
      const [asked, unknown] = await Promise.all(
        ['/metrics', '/nothing-here'].map((path) => app.http.send<object>(method, path, undefined)),
      );
      const { requestId: _one, ...problem } = { ...asked!.body } as { requestId?: string };
      const { requestId: _other, ...ordinary } = { ...unknown!.body } as { requestId?: string };
      expect([method, asked!.status, problem]).toEqual([method, 404, ordinary]);
    }
  });

  describe('with METRICS_TOKEN', () => {
    it('is what Prometheus reads, and kept by nobody', async () => {
      const app = await start();
      const { status, headers, body } = await app.http.get<string>(
        '/metrics',
        authorized(`Bearer ${METRICS_TOKEN}`),
      );
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(headers.get('cache-control')).toBe('no-store');
      const metrics = new Metrics(body);
      expect(metrics.value('gatehouse_build_info', { version: PROJECT.version })).toBe(1);
      expect(metrics.value('gatehouse_ready')).toBe(1);
      expect(metrics.value('process_start_time_seconds')).toBeGreaterThan(1.7e9);
      expect(metrics.value('process_resident_memory_bytes')).toBeGreaterThan(1e7);
      expect(metrics.families.get('nodejs_gc_duration_seconds')?.type).toBe('histogram');
      const head = await app.http.send('HEAD', '/metrics', undefined, authorized(`bearer ${METRICS_TOKEN}`));
      expect([head.status, head.body]).toEqual([200, undefined]);
    });

    it('is refused without it, and to every other credential', async () => {
      const app = await start();
      const { token } = await loggedIn(app);
      const nothing = await app.http.get('/metrics');
      expect([nothing.status, nothing.body.code]).toEqual([401, 'unauthenticated']);
      expect(nothing.headers.get('content-type')).toContain('application/problem+json');
      expect(nothing.headers.get('www-authenticate')).toBe('Bearer realm="gatehouse"');
      for (const credentials of [
        `Bearer ${METRICS_TOKEN.slice(0, -1)}`,
        `Bearer ${METRICS_TOKEN}x`,
        `Bearer ${METRICS_TOKEN.toLowerCase()}`,
        `Bearer ${token}`,
        `Basic ${btoa(`metrics:${METRICS_TOKEN}`)}`,
        METRICS_TOKEN,
        'Bearer',
        '',
      ]) {
        const { status, body } = await app.http.get('/metrics', authorized(credentials));
        expect([credentials, status, body.code]).toEqual([credentials, 401, 'token_invalid']);
      }
      const profile = await app.http.get('/api/auth/profile', { token: METRICS_TOKEN });
      expect(profile.status).toBe(401);
    });

    it('counts as a request of the client that asks', async () => {
      const app = await start({ env: { RATE_LIMITS: 'on' } });
      const left = async () => {
        const { headers } = await app.http.get('/metrics', authorized(`Bearer ${METRICS_TOKEN}`));
        return Number(/"requests";r=(\d+)/.exec(headers.get('ratelimit')!)![1]);
      };
      const first = await left();
      expect(await left()).toBe(first - 1);
    });
  });

  describe('with METRICS_PORT', () => {
    const portOf = (app: TestApp) => app.nest.get(MetricsServer, { strict: false }).port!;
    const startWithPort = async (env: Record<string, string> = WITH_PORT) => {
      const app = await TestApp.start({ env });
      apps.push(app);
      return app;
    };

    it('is on that port, to everybody, and on the other one to nobody', async () => {
      const app = await startWithPort();
      const base = `http://127.0.0.1:${portOf(app)}`;
      const answer = await fetch(`${base}/metrics?name=x`);
      expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(new Metrics(await answer.text()).value('process_cpu_seconds_total')).toBeGreaterThan(0);
      const head = await fetch(`${base}/metrics`, { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([200, '']);
      expect((await app.http.get('/metrics')).status).toBe(404);
    });

    it('has nothing else there', async () => {
      const base = `http://127.0.0.1:${portOf(await startWithPort())}`;
      for (const path of ['/', '/health', '/api/status', '/metrics/', '/docs', '//metrics']) {
        const answer = await fetch(base + path);
        expect([path, answer.status]).toEqual([path, 404]);
        expect(answer.headers.get('content-type')).toContain('application/problem+json');
        expect(await answer.json()).toMatchObject({ code: 'not_found', status: 404 });
      }
      const posted = await fetch(`${base}/metrics`, { method: 'POST', body: 'x' });
      expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    });

    it('may be on both ports', async () => {
      const app = await startWithPort({ ...WITH_PORT, ...WITH_TOKEN });
      const here = await Metrics.from(`http://127.0.0.1:${portOf(app)}`);
      const there = await metricsOf(app);
      expect([...here.families.keys()]).toEqual([...there.families.keys()]);
    });

    it('ends with the application', async () => {
      const app = await TestApp.start({ env: WITH_PORT });
      const port = portOf(app);
      await fetch(`http://127.0.0.1:${port}/metrics`);
      await app.close();
      await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow('fetch failed');
    });

    it('keeps the application from starting where the port is taken, and says which', async () => {
      const app = await startWithPort();
      const port = portOf(app);
      const config = Object.assign(new Config(), app.nest.get(Config), { metrics: { port } });
      const second = new MetricsServer(config, app.nest.get(MetricsService, { strict: false }));
      await expect(second.onApplicationBootstrap()).rejects.toThrow(
        `METRICS_PORT ${port} cannot be listened on: it is in use`,
      );
    });
  });

  it('leaves nothing behind that observes the process', async () => {
    const { PerformanceObserver, monitorEventLoopDelay } = perfHooks;
    const disconnect = jest.spyOn(PerformanceObserver.prototype, 'disconnect');
    const app = await TestApp.start({ env: WITH_TOKEN });
    expect(perfHooks.PerformanceObserver).toBe(PerformanceObserver);
    expect(perfHooks.monitorEventLoopDelay).toBe(monitorEventLoopDelay);
    const before = disconnect.mock.calls.length;
    await app.close();
    expect(disconnect.mock.calls.length - before).toBe(1);
    disconnect.mockRestore();
  });
});

describe('metrics of requests', () => {
  const REQUESTS = 'gatehouse_http_requests_total';
  const TIMES = 'gatehouse_http_request_duration_seconds';

  it('name the pattern of a route, its method and the status', async () => {
    const app = await start();
    await loggedIn(app);
    await app.http.get('/api/auth/profile');
    await app.http.get('/api/auth/profile');
    const metrics = await metricsOf(app);
    expect(metrics.samples(REQUESTS, { route: '/api/auth/profile' })).toEqual([
      { name: REQUESTS, labels: { route: '/api/auth/profile', method: 'GET', status: '401' }, value: 2 },
    ]);
    expect(metrics.value(REQUESTS, { route: '/api/auth/login', method: 'POST', status: '200' })).toBe(1);
  });

  it('time them in cumulative buckets', async () => {
    const app = await start();
    const since = performance.now();
    for (let index = 0; index < 20; index++) await app.http.get('/api/status');
    const elapsed = (performance.now() - since) / 1000;
    const metrics = await metricsOf(app);
    const labels = { route: '/api/status', method: 'GET', status: '2xx' };
    const buckets = metrics.samples(`${TIMES}_bucket`, labels).map(({ value }) => value);
    expect(buckets).toHaveLength(13);
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
    expect(metrics.value(`${TIMES}_bucket`, { ...labels, le: '+Inf' })).toBe(20);
    expect(metrics.value(`${TIMES}_count`, labels)).toBe(20);
    expect(metrics.value(`${TIMES}_sum`, labels)).toBeGreaterThan(0);
    expect(metrics.value(`${TIMES}_sum`, labels)).toBeLessThan(elapsed);
  });

  it('do not grow with what clients think of', async () => {
    const app = await start();
    const secret = 'a-token-that-nobody-must-read';
    await app.http.get(`/api/auth/verify/${secret}?email=ada@example.org`);
    for (let index = 0; index < 30; index++) await app.http.get(`/${secret}/${index}?${secret}`);
    for (const path of [`/%zz${secret}`, `/api/auth/verify/${'x'.repeat(600)}`])
      await exchange(app.http.baseUrl, request(`GET ${path}`), 200);
    for (const method of METHODS.filter((name) => name !== 'CONNECT'))
      for (const headers of [['Connection: close'], ['Host: a', 'Host: b'], ['Content-Length: 200000']])
        await exchange(app.http.baseUrl, request(`${method} /api/status`, headers), 200);
    const metrics = await metricsOf(app);
    expect(metrics.text).not.toContain(secret);
    expect(metrics.text).not.toContain('example.org');
    expect(metrics.samples(REQUESTS, { route: '/api/auth/verify/:token' })).toHaveLength(1);
    expect(metrics.value(REQUESTS, { route: 'unknown', method: 'GET', status: '404' })).toBe(30);
    // What the router refuses before any hook.
    expect(metrics.value(REQUESTS, { route: 'unknown', method: 'GET', status: '400' })).toBe(1);
    expect(metrics.value(REQUESTS, { route: 'unknown', method: 'GET', status: '414' })).toBe(1);
    const ofStatus = metrics.samples(REQUESTS, { route: '/api/status' }).map(({ labels }) => labels);
    expect(ofStatus.map(({ method, status }) => `${method} ${status}`).sort()).toEqual([
      'GET 200',
      'GET 400',
      'GET 413',
      'HEAD 200',
      'HEAD 400',
      'HEAD 413',
      'other 400',
      'other 405',
      'other 413',
    ]);
  }, 60_000);

  it('tell how many are under way, those whose client went away no more', async () => {
    const app = await start({ env: { BCRYPT_COST: '12' } });
    const inFlight = async () => (await metricsOf(app)).value('gatehouse_http_requests_in_flight')! - 1;
    expect(await inFlight()).toBe(0);
    const body = JSON.stringify({ email: 'nobody@example.org', password: PASSWORD });
    const head = [`Content-Length: ${body.length}`, 'Content-Type: application/json'];
    const sockets = Array.from({ length: 5 }, () => {
      const socket = connect(Number(new URL(app.http.baseUrl).port), '127.0.0.1');
      socket.write(request('POST /api/auth/login', head, body));
      return socket;
    });
    await until(async () => (await inFlight()) === 5);
    for (const socket of sockets) socket.destroy();
    await until(async () => (await inFlight()) === 0);
    const metrics = await metricsOf(app);
    const aborted = { route: '/api/auth/login', method: 'POST', status: 'aborted' };
    expect(metrics.value(REQUESTS, aborted)).toBe(5);
    expect(metrics.value(`${TIMES}_count`, aborted)).toBe(5);
    expect(metrics.value(REQUESTS, { route: '/api/auth/login' })).toBe(5);
  });
});

describe('metrics of the database', () => {
  it('show the pool: busy, idle, and who waits for a connection', async () => {
    const app = await start({ env: { DATABASE_POOL_MAX: '4' } });
    const pool = async () => {
      const metrics = await metricsOf(app);
      const of = (state: string) => metrics.value('gatehouse_database_connections', { state });
      return [of('busy'), of('idle'), metrics.value('gatehouse_database_waiting_callers')];
    };
    expect((await metricsOf(app)).value('gatehouse_database_connections_max')).toBe(4);
    const dataSource = app.nest.get(DataSource);
    const held = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const runner = dataSource.createQueryRunner();
        await runner.connect();
        return runner;
      }),
    );
    const waiting = Array.from({ length: 3 }, () => dataSource.query('SELECT 1'));
    const [busy, idle, waiters] = await pool();
    expect([busy, idle]).toEqual([4, 0]);
    // The probe, the mail queue and the job queue may stand there too.
    expect(waiters).toBeGreaterThanOrEqual(3);
    for (const runner of held) await runner.release();
    await Promise.all(waiting);
    await until(async () => (await pool())[2] === 0);
  });

  it('count statements that fail, by kind', async () => {
    const app = await start();
    const { id } = await unverified(app);
    const dataSource = app.nest.get(DataSource);
    const before = await metricsOf(app);
    const fail = (sql: string) => expect(dataSource.query(sql)).rejects.toThrow();
    await fail(`INSERT INTO users SELECT * FROM users WHERE id = '${id}'`);
    await fail('SELECT nothing FROM nowhere');
    await fail(`SET statement_timeout = 1; SELECT pg_sleep(1)`);
    await fail(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$`);
    const metrics = await metricsOf(app);
    const counted = (kind: string) =>
      metrics.value('gatehouse_database_errors_total', { kind })! -
      before.value('gatehouse_database_errors_total', { kind })!;
    expect(['constraint', 'other', 'away', 'conflict'].map(counted)).toEqual([1, 1, 1, 1]);
  });

  it('show whether revocations of other replicas are heard', async () => {
    const app = await start();
    const isUp = async () => (await metricsOf(app)).value('gatehouse_listener_up');
    await until(async () => (await isUp()) === 1);
    const url = new URL(app.database.url);
    const name = url.pathname.slice(1);
    url.pathname = '/postgres';
    const client = new Client({ connectionString: url.href });
    await client.connect();
    const admit = (are: boolean) => client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${are}`);
    await admit(false);
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = '${name}' AND application_name = 'gatehouse listener'`,
    );
    await until(async () => (await isUp()) === 0);
    await sleep(1_000);
    expect(await isUp()).toBe(0);
    await admit(true);
    await until(async () => (await isUp()) === 1);
    await client.end();
  });

  it('are read within 2 seconds while the database hangs, without what only it knows', async () => {
    const app = await start();
    expect((await metricsOf(app)).value('gatehouse_mail_waiting_letters')).toBe(0);
    const client = new Client({ connectionString: app.database.url });
    await client.connect();
    await client.query('BEGIN; LOCK TABLE pgboss.job, migrations IN ACCESS EXCLUSIVE MODE');
    // What was read before the lock is still good for some seconds.
    await sleep(5_100);
    const looks = jest.spyOn(app.nest.get(Jobs), 'depth');
    for (let scrape = 0; scrape < 3; scrape++) {
      const since = performance.now();
      const metrics = await metricsOf(app);
      expect(performance.now() - since).toBeLessThan(4_000);
      expect(metrics.value('gatehouse_mail_waiting_letters')).toBeUndefined();
      expect(metrics.value('gatehouse_mail_parked_letters')).toBeUndefined();
      expect(metrics.value('gatehouse_mail_oldest_waiting_seconds')).toBeUndefined();
      expect(metrics.value('gatehouse_ready')).toBe(0);
      expect(metrics.value('gatehouse_database_connections_max')).toBe(10);
    }
    // One look at the queue at a time, for all three figures: a database in trouble gets no more of them.
    expect(looks.mock.calls.length).toBeLessThanOrEqual(3);
    await client.query('ROLLBACK');
    await client.end();
    await until(async () => (await metricsOf(app)).value('gatehouse_mail_waiting_letters') === 0);
  }, 60_000);

  it('are read while the database is gone', async () => {
    const database = await createDatabase();
    const app = await start({ database });
    await database.drop();
    const since = performance.now();
    const metrics = await metricsOf(app);
    expect(performance.now() - since).toBeLessThan(2_000);
    expect(metrics.value('gatehouse_ready')).toBe(0);
    expect(metrics.value('gatehouse_mail_parked_letters')).toBeUndefined();
    expect(metrics.value('process_cpu_seconds_total')).toBeGreaterThan(0);
  });
});

describe('metrics of letters', () => {
  it('show how many wait, since when, and how many were given up', async () => {
    const server = new MailServer();
    const smtpUrl = await server.listen();
    server.behaviour = (moment, recipient) => {
      if (moment !== 'recipient') return undefined;
      return recipient.startsWith('gone') ? '550 5.1.1 nobody here' : '451 4.3.0 later';
    };
    const app = await start({ smtpUrl });
    for (const name of ['late1', 'late2', 'gone']) await unverified(app, `${name}@example.org`);
    await until(async () => {
      const metrics = await metricsOf(app);
      const of = (name: string) => metrics.value(`gatehouse_mail_${name}`);
      return of('waiting_letters') === 2 && of('parked_letters') === 1 && of('oldest_waiting_seconds')! >= 5;
    });
    await server.close();
  }, 60_000);
});

describe('metrics of sessions', () => {
  it('count those opened and revoked, by what carries them, when it is committed', async () => {
    const app = await start();
    const actor = await verified(app);
    const { token } = await login(app, actor);
    await login(app, actor);
    const { email, password } = actor;
    await app.http.post('/api/auth/login', { email, password, transport: 'cookie' });
    await app.http.post('/api/auth/logout-all', undefined, { token });

    const client = { ip: '127.0.0.1', userAgent: null, requestId: 'x' };
    const sessions = app.nest.get(SessionsService, { strict: false });
    const revocation = app.nest.get(RevocationService, { strict: false });
    const comeAndGo = (end: () => void) =>
      app.nest.get(Transactions).run(async (tx) => {
        await sessions.open(actor.id, 'cookie', client, tx);
        await revocation.revokeAll(actor.id, client, tx);
        end();
      });
    const rolledBack = comeAndGo(() => {
      throw new Error('never mind');
    });
    await expect(rolledBack).rejects.toThrow('never mind');
    await comeAndGo(() => undefined);

    const metrics = await metricsOf(app);
    const opened = (transport: string) => metrics.value('gatehouse_sessions_opened_total', { transport });
    expect([opened('bearer'), opened('cookie')]).toEqual([2, 2]);
    expect(metrics.value('gatehouse_sessions_revoked_total')).toBe(4);
  });

  it('count refreshes by outcome, from zero on', async () => {
    const app = await start();
    const outcomes = async () => {
      const metrics = await metricsOf(app);
      return ['rotated', 'token_invalid', 'token_expired', 'refresh_token_reused'].map((outcome) =>
        metrics.value('gatehouse_refreshes_total', { outcome }),
      );
    };
    expect(await outcomes()).toEqual([0, 0, 0, 0]);
    const { refreshToken } = await loggedIn(app);
    const refresh = async (refresh_token: string) =>
      (await app.http.post<{ refresh_token: string }>('/api/auth/refresh', { refresh_token })).body;
    const next = await refresh(refreshToken);
    const newest = await refresh(next.refresh_token);
    await refresh('ghr_nonsense');
    app.clock.advance(MINUTE);
    await refresh(newest.refresh_token);
    await refresh(refreshToken);
    expect(await outcomes()).toEqual([3, 1, 0, 1]);
  });

  it('tell how often a session is known in memory', async () => {
    const opener = await start();
    const { token } = await loggedIn(opener);
    // Where it was opened it is known from the beginning.
    const app = await start({ database: opener.database, clock: opener.clock });
    await until(async () => (await metricsOf(app)).value('gatehouse_listener_up') === 1);
    for (let index = 0; index < 5; index++) await app.http.get('/api/auth/profile', { token });
    const metrics = await metricsOf(app);
    const lookups = (result: string) => metrics.value('gatehouse_session_cache_lookups_total', { result });
    expect([lookups('hit'), lookups('miss')]).toEqual([4, 1]);
    expect(metrics.value('gatehouse_session_cache_sessions')).toBe(1);
  });
});

describe('the metric of readiness', () => {
  it('says what the probe says', async () => {
    const app = await start();
    const both = async () => [
      (await app.http.get('/health/ready')).status,
      (await metricsOf(app)).value('gatehouse_ready'),
    ];
    expect(await both()).toEqual([200, 1]);
    app.nest.get(Lifecycle).drain();
    expect(await both()).toEqual([503, 0]);
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await sleep(50);
  }
}
