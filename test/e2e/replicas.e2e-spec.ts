import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { login, verified, type Actor } from '../support/actors';
import { TestApp, TEST_SECRET } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { Http, type Answer } from '../support/http';
import { freePort, Server } from '../support/server';
import { Wire } from '../support/wire';

const NEW_SECRET = 'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV';

interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** One server process with a client of its own. */
class Replica {
  readonly http: Http;

  private constructor(readonly server: Server) {
    this.http = new Http(server.baseUrl);
  }

  static async start(database: TestDatabase, env: Record<string, string> = {}): Promise<Replica> {
    const settings = { DATABASE_URL: database.url, JWT_SECRET: TEST_SECRET, LOG_LEVEL: 'silent' };
    // One name for all of them: it is the issuer and the audience of their tokens.
    return new Replica(
      await Server.start({ ...settings, PUBLIC_URL: 'http://localhost:3000', RATE_LIMITS: 'off', ...env }),
    );
  }

  login({ email, password }: Actor): Promise<{ token: string; refreshToken: string }> {
    return login(this as unknown as TestApp, { email, password });
  }

  logout(token: string) {
    return this.http.post('/api/auth/logout', undefined, { token });
  }

  refresh(refreshToken: string) {
    return this.http.post<Tokens & { code?: string }>('/api/auth/refresh', { refresh_token: refreshToken });
  }

  /** A route that needs nothing but the session. */
  async use(token: string): Promise<number> {
    return (await this.http.get('/api/auth/csrf', { token })).status;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    this.server.removeFolder();
  }
}

describe('two server processes on one database', () => {
  let database: TestDatabase;
  let actor: Actor;
  const running: (Replica | Wire)[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    const app = await TestApp.start({ database });
    actor = await verified(app);
    await app.close();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
  });
  afterAll(() => database.drop());

  const start = async (env?: Record<string, string>) => {
    const replica = await Replica.start(database, env);
    running.push(replica);
    return replica;
  };
  const pair = () => Promise.all([start(), start()]);
  /** A pair whose second one reaches its listener's database through the wire. */
  const wiredPair = async () => {
    const wire = await Wire.to(database.url);
    running.push(wire);
    return {
      wire,
      replicas: await Promise.all([start(), start({ DATABASE_DIRECT_URL: wire.url })]),
    } as const;
  };

  /** Milliseconds from the answer to a logout on one replica to the first 401 of the other, which knew the session. */
  const delayOfLogout = async (a: Replica, b: Replica) => {
    const { token } = await a.login(actor);
    expect(await b.use(token)).toBe(200);
    expect((await a.logout(token)).status).toBe(200);
    const endedAt = performance.now();
    for (let requests = 1; ; requests++) {
      if ((await b.use(token)) === 401) return { ms: performance.now() - endedAt, requests };
      if (performance.now() - endedAt > 30_000) throw new Error('the session outlives its end by 30 seconds');
    }
  };

  /** Whether a replica answers without asking about the session: nobody can while the table is locked. */
  const isCached = async (replica: Replica, token: string) => {
    expect(await replica.use(token)).toBe(200);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE');
    const answer = replica.use(token);
    const isAnswered = await Promise.race([answer.then(() => true), sleep(1_000, false)]);
    await client.query('ROLLBACK');
    await client.end();
    expect(await answer).toBe(200);
    return isAnswered;
  };

  const endListeners = () =>
    database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'gatehouse listener' AND datname = current_database()`,
    );

  it('a session that ends on one is refused by the other, 200 of 200: 99 of 100 in 100 ms, all in 1 s', async () => {
    const [a, b] = await pair();
    const delays: number[] = [];
    let atOnce = 0;
    for (let round = 0; round < 200; round++) {
      const { ms, requests } = await delayOfLogout(a, b);
      delays.push(ms);
      if (requests === 1) atOnce++;
    }
    delays.sort((x, y) => x - y);
    const figures = { p50: delays[99]!, p99: delays[197]!, max: delays[199]!, atOnce };
    report('milliseconds until a logout is known to the other replica', figures);
    // Time-outs of a busy machine must not look like a missed announcement, which would last for a minute.
    expect(figures.p99).toBeLessThan(100);
    expect(figures.max).toBeLessThan(1_000);
  }, 120_000);

  it('a hot session costs no query on either', async () => {
    const [a, b] = await pair();
    const { token } = await a.login(actor);
    expect([await isCached(a, token), await isCached(b, token)]).toEqual([true, true]);
  }, 60_000);

  it('a session that ends while listeners are being killed is refused all the same', async () => {
    const [a, b] = await pair();
    const killing = new AbortController();
    const killer = (async () => {
      for (let kills = 0; ; kills++) {
        if (killing.signal.aborted) return kills;
        await endListeners();
        await sleep(20);
      }
    })();
    const delays: number[] = [];
    for (let round = 0; round < 50; round++) delays.push((await delayOfLogout(a, b)).ms);
    killing.abort();
    expect(await killer).toBeGreaterThan(10);
    report('the same while listeners are being killed', { max: Math.max(...delays) });
    expect(Math.max(...delays)).toBeLessThan(1_000);

    const { token } = await a.login(actor);
    await until('the session is in memory again', () => isCached(b, token));
  }, 120_000);

  it('without a listener a replica refuses by query, at once, 50 of 50; with it back, memory is used again', async () => {
    const {
      wire,
      replicas: [a, b],
    } = await wiredPair();
    const [kept, ended] = [await a.login(actor), await a.login(actor)];
    expect([await isCached(b, kept.token), await isCached(b, ended.token)]).toEqual([true, true]);

    wire.cut();
    await until('the replica has noticed', async () => !(await isCached(b, kept.token)));
    for (let round = 0; round < 50; round++) expect((await delayOfLogout(a, b)).requests).toBe(1);
    await a.logout(ended.token);
    expect(await isCached(b, kept.token)).toBe(false);

    wire.mend();
    await until('the listener is back', () => isCached(b, kept.token));
    // What was announced meanwhile has been missed, and what was in memory before is not believed.
    expect(await b.use(ended.token)).toBe(401);
    expect((await delayOfLogout(a, b)).ms).toBeLessThan(1_000);
  }, 120_000);

  it('a listener that dies without a word is noticed within 7 seconds', async () => {
    const {
      wire,
      replicas: [a, b],
    } = await wiredPair();
    const { token } = await a.login(actor);
    expect(await isCached(b, token)).toBe(true);
    wire.silence();
    const { ms } = await delayOfLogout(a, b);
    report('milliseconds until a dead listener is noticed', { ms });
    expect(ms).toBeLessThan(7_500);
    wire.mend();
    const other = await a.login(actor);
    await until('the listener is back', () => isCached(b, other.token));
  }, 60_000);

  it('a refresh on one counts on the other at once, and so does a reuse', async () => {
    const [a, b] = await pair();
    for (let round = 0; round < 20; round++) {
      const [here, there] = round % 2 ? [a, b] : [b, a];
      const first = await here.login(actor);
      expect([await here.use(first.token), await there.use(first.token)]).toEqual([200, 200]);
      const second = tokensOf(await there.refresh(first.refreshToken));
      expect(await here.use(second.token)).toBe(200);
      const third = tokensOf(await here.refresh(second.refreshToken));
      expect(await there.use(third.token)).toBe(200);

      const reused = await there.refresh(first.refreshToken);
      expect([reused.status, reused.body.code]).toEqual([401, 'refresh_token_reused']);
      expect(await there.use(third.token)).toBe(401);
      expect((await here.refresh(third.refreshToken)).status).toBe(401);
      await until('the reuse is known', async () => (await here.use(third.token)) === 401);
    }
  }, 60_000);

  it('JWT_SECRET changes under load, replica by replica, without one failed request', async () => {
    const ports = [String(await freePort()), String(await freePort())];
    const replicas = await Promise.all(ports.map((PORT) => start({ PORT })));
    const before = await replicas[0]!.login(actor);
    const load = new Load(replicas);
    for (let clients = 0; clients < 3; clients++) await load.begin(actor);

    const restartWith = async (JWT_SECRET: string) => {
      for (const index of [0, 1]) {
        await running.splice(running.indexOf(replicas[index]!), 1)[0]!.stop();
        replicas[index] = await start({ PORT: ports[index]!, JWT_SECRET });
      }
      // Every client refreshes a few times.
      await sleep(1_500);
    };
    // Known everywhere before it signs anywhere: or the first replica's tokens would be refused by the second.
    await restartWith(`${TEST_SECRET},${NEW_SECRET}`);
    await restartWith(`${NEW_SECRET},${TEST_SECRET}`);
    for (const replica of replicas) expect(await replica.use(before.token)).toBe(200);
    await restartWith(NEW_SECRET);
    const { requests, refreshes, failures } = await load.end();
    report('requests while the secret changed', { requests, refreshes });
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(200);
    expect(refreshes).toBeGreaterThan(20);

    for (const replica of replicas) {
      expect(await replica.use(before.token)).toBe(401);
      expect((await replica.refresh(before.refreshToken)).status).toBe(401);
    }
  }, 150_000);
});

/** Clients that go on using and refreshing their sessions through whichever replica is up. */
class Load {
  requests = 0;
  refreshes = 0;
  readonly failures: string[] = [];
  private isOver = false;
  private readonly clients: Promise<void>[] = [];

  constructor(private readonly replicas: Replica[]) {}

  async begin(actor: Actor): Promise<void> {
    const tokens = await this.replicas[0]!.login(actor);
    this.clients.push(this.run(tokens));
  }

  async end(): Promise<this> {
    this.isOver = true;
    await Promise.all(this.clients);
    return this;
  }

  private async run({ token, refreshToken }: { token: string; refreshToken: string }): Promise<void> {
    for (let round = 1; !this.isOver; round++) {
      const used = await this.ask((replica) => replica.http.get('/api/auth/profile', { token }));
      if (!used) return;
      await sleep(5);
      if (round % 20 > 0) continue;
      const refreshed = await this.ask((replica) => replica.refresh(refreshToken));
      if (!refreshed) return;
      ({ token, refreshToken } = tokensOf(refreshed as Answer<Tokens>));
      this.refreshes++;
    }
  }

  /** Undefined is a failure: an answer other than 200, or no replica that answers. */
  private async ask(
    send: (replica: Replica) => Promise<Answer<object>>,
  ): Promise<Answer<object> | undefined> {
    this.requests++;
    const first = this.requests % 2;
    for (const index of [first, 1 - first]) {
      // As a load balancer does: what cannot be reached, or is not ready yet, is passed over.
      const answer = await send(this.replicas[index]!).catch(() => undefined);
      if (answer && isWaiting(answer)) continue;
      if (answer?.status === 200) return answer;
      if (answer) return this.fail(`${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return this.fail('no replica answers');
  }

  private fail(failure: string): undefined {
    this.failures.push(failure);
  }
}

/** The answer of a process that has no application yet, and so no routes. */
function isWaiting({ status, body }: Answer<object>): boolean {
  return status === 503 && (body as { instance?: string }).instance === 'unknown';
}

function tokensOf({ status, body }: Answer<Tokens>): { token: string; refreshToken: string } {
  expect(status).toBe(200);
  return { token: body.access_token, refreshToken: body.refresh_token };
}

async function until(what: string, probe: () => Promise<boolean>, timeout = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeout; !(await probe()); await sleep(50))
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeout} ms`);
}

/** Figures that a person wants to see, whether they are within bounds or not. */
function report(what: string, figures: Record<string, number>): void {
  const rounded = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`);
  process.stdout.write(`  ${what}: ${rounded.join(', ')}\n`);
}
