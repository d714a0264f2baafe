import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, createServer, type Server as TcpServer, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type TestDatabase } from '../support/database';
import { freePort, newFolder, Server } from '../support/server';
import { TEST_SECRET } from '../support/app';

jest.setTimeout(90_000);

describe('start and end of a process', () => {
  let database: TestDatabase;
  const servers: Server[] = [];

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      await server.stop('SIGKILL');
      server.removeFolder();
    }
  });
  afterAll(() => database.drop());

  const production = (): Record<string, string> => ({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PUBLIC_URL: 'https://auth.example.org',
    DATABASE_URL: database.url,
    JWT_SECRET: TEST_SECRET,
    SMTP_URL: 'smtp://127.0.0.1:1',
    MAIL_FROM: 'auth@example.org',
    BCRYPT_COST: '10',
    RATE_LIMITS: '100',
  });
  const launch = async (env: Record<string, string>) => {
    const server = await Server.launch(env, newFolder());
    servers.push(server);
    return server;
  };

  it('without a database it is alive, not ready, and starts as soon as there is one', async () => {
    const { hostname, port } = new URL(database.url);
    const way = new Way(await freePort(), hostname, Number(port));
    const url = new URL(database.url);
    url.host = `127.0.0.1:${way.port}`;
    const server = await launch({ ...production(), DATABASE_URL: url.href });
    await until(async () => (await statusOf(server, '/health/live')) === 200);
    const ready = await fetch(`${server.baseUrl}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      expect.objectContaining({ details: { database: { status: 'down', message: 'not reachable' } } }),
    ]);
    const refused = await fetch(`${server.baseUrl}/api/auth/profile`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await refused.json()).toMatchObject({ code: 'unavailable', status: 503 });
    // Lines of the log leave 50 ms later at most.
    await until(() => server.output.includes('"event":"database.awaited"'));
    expect(server.output).not.toContain(url.password || 'no password');

    await way.open();
    await server.ready();
    expect(await statusOf(server, '/api/auth/profile')).toBe(401);
    expect(await server.stop()).toBe(0);
    await way.close();
  });

  it('at SIGTERM under load no request fails, it says "not ready" at once and ends with 0', async () => {
    const server = await launch({ ...production(), SHUTDOWN_DELAY: '3s' });
    await server.ready();
    const load = new Load(server.baseUrl);
    const done = load.run(16);
    await sleep(1_000);
    const since = performance.now();
    server.signal('SIGTERM');
    await until(async () => (await statusOf(server, '/health/ready')) === 503);
    const noticed = performance.now() - since;
    const ready = await fetch(`${server.baseUrl}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'shutting_down', info: {}, error: {}, details: {} },
    ]);
    expect(await statusOf(server, '/health/live')).toBe(200);
    // A proxy has had time to notice by now.
    await sleep(1_500);
    load.isOver = true;
    await done;
    const { code } = await server.exit();
    const took = performance.now() - since;
    expect(noticed).toBeLessThan(500);
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThan(200);
    expect(load.closed).toBeGreaterThan(16);
    expect(code).toBe(0);
    expect(took).toBeGreaterThan(3_000);
    expect(took).toBeLessThan(15_000);
  });

  it('a request under way is answered before the process ends', async () => {
    const server = await launch({ ...production(), SHUTDOWN_DELAY: '0s' });
    await server.ready();
    const slow = slowLogin(server.baseUrl);
    await sleep(300);
    server.signal('SIGTERM');
    await sleep(300);
    slow.finish();
    expect(await slow.status).toBe(401);
    expect((await server.exit()).code).toBe(0);
  });

  it('a rejection that nobody noticed is logged, and everybody else goes on', async () => {
    const server = await launch({ ...production(), ...afterwards("Promise.reject(new Error('forgotten'))") });
    await server.ready();
    await until(() => Promise.resolve(server.output.includes('"event":"process.rejection"')));
    expect(server.output).toContain('forgotten');
    expect(await statusOf(server, '/api/status')).toBe(200);
    expect(await server.stop()).toBe(0);
  });

  it('an exception that reaches the top is logged and ends the process in order, with 1', async () => {
    const server = await launch({
      ...production(),
      SHUTDOWN_DELAY: '0s',
      ...afterwards("throw new Error('broken')"),
    });
    expect((await server.exit()).code).toBe(1);
    expect(server.output).toContain('"event":"process.exception"');
    expect(server.output).toContain('broken');
  });

  it('a second signal ends it at once', async () => {
    const server = await launch({ ...production(), SHUTDOWN_DELAY: '30s' });
    await server.ready();
    server.signal('SIGTERM');
    await sleep(800);
    const since = performance.now();
    server.signal('SIGTERM');
    expect((await server.exit()).code).toBe(130);
    expect(performance.now() - since).toBeLessThan(1_000);
  });
});

/** Makes the process run a piece of code some seconds after its start. */
function afterwards(code: string): Record<string, string> {
  const file = join(newFolder(), 'afterwards.cjs');
  writeFileSync(file, `setTimeout(() => { ${code} }, 3000).unref();`);
  return { NODE_OPTIONS: `--require ${file}` };
}

/** Kept-alive clients that ask one thing after another, as a proxy does. */
class Load {
  readonly failures: string[] = [];
  answered = 0;
  /** Answers that asked for a new connection. */
  closed = 0;
  isOver = false;

  constructor(private readonly baseUrl: string) {}

  async run(clients: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, () => this.client()));
  }

  private async client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.isOver) {
      await this.ask(agent).catch((error: Error) => this.failures.push(error.message));
      await sleep(10);
    }
    agent.destroy();
  }

  private async ask(agent: Agent): Promise<void> {
    const sent = request(`${this.baseUrl}/api/status`, { agent });
    sent.end();
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) this.failures.push(String(response.statusCode));
    if (response.headers.connection === 'close') this.closed += 1;
    this.answered += 1;
  }
}

/** A login whose body ends only when told to. */
function slowLogin(baseUrl: string): { finish(): void; status: Promise<number | undefined> } {
  const body = JSON.stringify({ email: 'somebody@example.org', password: 'correct horse 7 battery!' });
  const sent = request(`${baseUrl}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Content-Length': body.length },
  });
  sent.write(body.slice(0, 10));
  const status = once(sent, 'response').then(([response]) => {
    (response as import('node:http').IncomingMessage).resume();
    return (response as import('node:http').IncomingMessage).statusCode;
  });
  return { finish: () => sent.end(body.slice(10)), status };
}

/** The way to the database, closed at first. */
class Way {
  private server?: TcpServer;
  private readonly sockets = new Set<Socket>();

  constructor(
    readonly port: number,
    private readonly host: string,
    private readonly target: number,
  ) {}

  async open(): Promise<void> {
    this.server = createServer((near) => {
      const far = connect(this.target, this.host);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
      }
      near.pipe(far).pipe(near);
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server?.close();
    if (this.server) await once(this.server, 'close');
  }
}

async function statusOf(server: Server, path: string): Promise<number | undefined> {
  return fetch(server.baseUrl + path).then(
    async (response) => {
      await response.text();
      return response.status;
    },
    () => undefined,
  );
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to pass');
    await sleep(50);
  }
}
