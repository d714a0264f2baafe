import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freshEmail, PASSWORD } from '../support/actors';
import { createDatabase, type TestDatabase } from '../support/database';
import { Http } from '../support/http';
import { freePort, newFolder, Server } from '../support/server';

jest.setTimeout(90_000);

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 2: of a server, 3: of a client (opentelemetry/proto/trace/v1). */
  kind: number;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  events: object[];
  status: { message?: string };
}
interface Batch {
  resourceSpans: { resource: { attributes: Span['attributes'] }; scopeSpans: { spans: Span[] }[] }[];
}

/** Takes traces as a collector of OpenTelemetry does: OTLP over HTTP, in JSON. */
class Collector {
  readonly bodies: string[] = [];
  readonly paths = new Set<string>();

  private constructor(private readonly server: HttpServer) {}

  static async start(): Promise<Collector> {
    const server = createServer();
    const collector = new Collector(server);
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        collector.paths.add(request.url!);
        collector.bodies.push(body);
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get spans(): Span[] {
    return this.batches.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  }

  get resource(): Record<string, unknown> {
    return attributesOf(this.batches[0]!.resource);
  }

  close(): Promise<unknown> {
    return new Promise((resolve) => this.server.close(resolve));
  }

  private get batches() {
    return this.bodies.flatMap((body) => (JSON.parse(body) as Batch).resourceSpans);
  }
}

function attributesOf({ attributes }: Pick<Span, 'attributes'>): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
}

describe('traces', () => {
  let database: TestDatabase;
  let collector: Collector;
  const servers: Server[] = [];

  beforeAll(async () => {
    database = await createDatabase();
  });
  beforeEach(async () => {
    collector = await Collector.start();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      await server.stop('SIGKILL');
      server.removeFolder();
    }
    await collector.close();
  });
  afterAll(() => database.drop());

  const start = async (env: Record<string, string>, folder = newFolder()) => {
    const server = await Server.start({ DATABASE_URL: database.url, ...env }, folder);
    servers.push(server);
    return server;
  };
  /** A program that the process runs before the service. It may write to the file that it finds in PROBE. */
  const withProbe = (program: string) => {
    const folder = newFolder();
    writeFileSync(join(folder, 'probe.cjs'), program);
    const file = join(folder, 'probe.json');
    const env = { NODE_OPTIONS: `--require ${join(folder, 'probe.cjs')}`, PROBE: file };
    return { folder, env, read: () => JSON.parse(readFileSync(file, 'utf8')) as string[] };
  };

  it('show requests by route and their statements, and nothing that anybody has sent', async () => {
    const server = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
      // Longer than the test: what arrives was sent when the process stopped.
      OTEL_BSP_SCHEDULE_DELAY: '600000',
    });
    const http = new Http(server.baseUrl);
    const secret = 'a-token-that-nobody-must-read';
    const email = freshEmail();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const headers = {
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      'User-Agent': `${secret}/1.0`,
      'X-Forwarded-For': '203.0.113.77',
      'X-Forwarded-Host': `${secret}.example.net`,
      'X-Request-Id': secret,
    };
    await http.post('/api/auth/register', { email, password: PASSWORD, name: 'Ada Secretive' });
    const verified = await http.get(`/api/auth/verify/${secret}?email=${email}`, { headers });
    const refused = await http.post(
      '/api/auth/login',
      { email, password: `${PASSWORD}${secret}` },
      { headers: { Authorization: `Bearer ${secret}`, Cookie: `session=${secret}` } },
    );
    const unknown = await http.get(`/${secret}?${secret}`);
    expect([verified.status, refused.status, unknown.status]).toEqual([400, 401, 404]);
    expect(await server.stop()).toBe(0);

    const { spans } = collector;
    expect([...collector.paths]).toEqual(['/v1/traces']);
    expect(collector.resource).toMatchObject({
      'service.name': 'gatehouse',
      'deployment.environment.name': 'staging',
    });
    const requests = spans.filter(({ kind }) => kind === 2);
    expect(requests.map(({ name }) => name).sort()).toEqual([
      'GET',
      'GET /api/auth/verify/:token',
      'POST /api/auth/login',
      'POST /api/auth/register',
    ]);
    const verification = requests.find(({ name }) => name === 'GET /api/auth/verify/:token')!;
    expect([verification.traceId, verification.parentSpanId]).toEqual([traceId, 'b7ad6b7169203331']);
    // Each line of the log about it says so.
    expect(server.output).toContain(`"trace_id":"${traceId}","span_id":"${verification.spanId}"`);
    expect(attributesOf(verification)).toEqual({
      'http.request.method': 'GET',
      'http.route': '/api/auth/verify/:token',
      'http.response.status_code': 400,
      'network.protocol.version': '1.1',
    });

    const registration = requests.find(({ name }) => name === 'POST /api/auth/register')!;
    const statements = spans.filter((span) => 'db.query.text' in attributesOf(span));
    const ofRegistration = statements.filter((span) => span.traceId === registration.traceId);
    expect(ofRegistration.map((span) => attributesOf(span)['db.query.text'])).toContainEqual(
      expect.stringMatching(/^INSERT INTO "users".*\$1/m),
    );
    expect(ofRegistration.map(({ name }) => name)).toContainEqual(
      expect.stringMatching(/^pg\.query:INSERT /),
    );
    // Those of the job queue belong to nobody's request.
    const known = new Set(spans.map(({ spanId }) => spanId));
    for (const { parentSpanId } of statements) expect(known.has(parentSpanId!)).toBe(true);

    const sent = collector.bodies.join('\n');
    for (const word of [secret, email, PASSWORD, 'Secretive', '203.0.113.77', '127.0.0.1', '"message"'])
      expect([word, sent.includes(word)]).toEqual([word, false]);
    expect(spans.flatMap(({ events }) => events)).toEqual([]);
  });

  it('are sent while the process runs, to the address for traces alone too; .env may name it', async () => {
    const folder = newFolder();
    writeFileSync(
      join(folder, '.env'),
      `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${collector.url}/traces\nOTEL_BSP_SCHEDULE_DELAY=100\nOTEL_SERVICE_NAME=auth\n`,
    );
    const server = await start({}, folder);
    await new Http(server.baseUrl).get('/api/status');
    await until(() => collector.bodies.length > 0);
    expect([...collector.paths]).toEqual(['/traces']);
    expect(collector.resource).toMatchObject({ 'service.name': 'auth' });
    expect(collector.spans.map(({ name }) => name)).toEqual(['GET /api/status']);
  });

  it('hold nobody up while their collector is away, nor the end of the process', async () => {
    const server = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    });
    const http = new Http(server.baseUrl);
    for (let index = 0; index < 20; index++) {
      expect((await http.get('/api/status')).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await until(() => server.output.includes('traces.failed'));
    await http.get('/api/status');
    const since = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - since).toBeLessThan(8_000);
    expect(server.output.match(/traces\.failed/g)).toHaveLength(1);
  });

  it.each([
    ['without the variables', {}],
    [
      'with OTEL_SDK_DISABLED',
      { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    ],
    [
      'with OTEL_TRACES_EXPORTER=none',
      { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' },
    ],
  ])('%s nothing of OpenTelemetry is loaded', async (_when, variables: Record<string, string>) => {
    const loaded = async (env: Record<string, string>) => {
      const probe = withProbe(`
        if (require('node:worker_threads').isMainThread)
          process.on('exit', () => {
            // But for the empty interface, which prom-client depends on.
            const isOfTracing = /@opentelemetry.(?!api\\b)|-in-the-middle/;
            const names = Object.keys(require.cache).filter((name) => isOfTracing.test(name));
            require('node:fs').writeFileSync(process.env.PROBE, JSON.stringify(names));
          });`);
      const server = await start({ ...probe.env, ...env }, probe.folder);
      await new Http(server.baseUrl).get('/api/status');
      expect(await server.stop()).toBe(0);
      return probe.read();
    };
    expect(await loaded(variables)).toEqual([]);
    // What finds nothing must be able to find something.
    expect((await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })).length).toBeGreaterThan(50);
  });

  it('are left out with one warning where the packages are missing', async () => {
    const probe = withProbe(`
      const Module = require('node:module');
      const resolve = Module._resolveFilename;
      Module._resolveFilename = function (name, ...rest) {
        if (!/^@opentelemetry.(?!api$)/.test(name)) return resolve.call(this, name, ...rest);
        throw Object.assign(new Error("Cannot find module '" + name + "'"), { code: 'MODULE_NOT_FOUND' });
      };`);
    const env = { ...probe.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const server = await start(env, probe.folder);
    expect((await new Http(server.baseUrl).get('/api/status')).status).toBe(200);
    expect(server.output.match(/@opentelemetry\/\* are not installed/g)).toHaveLength(1);
    expect(await server.stop()).toBe(0);
    expect(collector.bodies).toEqual([]);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
