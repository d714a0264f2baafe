import { readdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { committedOpenApi } from '../support/openapi';
import { exchange, request as requestOf, type RawAnswer } from '../support/raw';

const ORIGIN = 'https://app.example.org';

/** Of every answer. Whoever changes a line here changes what browsers protect. */
const SAFE = {
  'content-security-policy':
    "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';" +
    "frame-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
};

const ASSET = readdirSync(join(__dirname, '../../web/dist/assets'))[0]!;
const json = 'Content-Type: application/json';
const request = (line: string, headers: string[] = [], body = '') =>
  requestOf(line, ['Connection: close', ...headers], body);

/** One answer of each layer that can give one, from the controllers down to the parser of Node. */
const ANSWERS: [what: string, status: number, bytes: string, cacheControl?: string][] = [
  ['the API', 200, request('GET /api/status')],
  ['the public keys', 200, request('GET /.well-known/jwks.json'), 'public, max-age=300'],
  ['a probe', 200, request('GET /health/live')],
  ['a page', 200, request('GET /verify-email'), 'no-cache'],
  ['the documentation', 200, request('GET /docs'), 'no-cache'],
  ['Swagger UI', 200, request('GET /docs/swagger-ui.css'), 'public, max-age=3600'],
  ['an asset', 200, request(`GET /assets/${ASSET}`), 'public, max-age=31536000, immutable'],
  ['a page that is not there', 404, request('GET /nothing', ['Accept: text/html'])],
  ['the OpenAPI document', 200, request('GET /openapi.json')],
  ['HEAD', 200, request('HEAD /api/status')],
  ['a refused field', 400, request('POST /api/auth/login', [json, 'Content-Length: 2'], '{}')],
  ['broken JSON', 400, request('POST /api/auth/login', [json, 'Content-Length: 1'], '{')],
  ['no credential', 401, request('GET /api/auth/profile')],
  ['a wrong credential', 401, request('GET /api/auth/profile', ['Authorization: Bearer x'])],
  [
    'another site',
    403,
    request('POST /api/auth/login', [json, 'Content-Length: 2', 'Origin: https://evil.example'], '{}'),
  ],
  ['an unknown path of the API', 404, request('GET /api/nothing')],
  ['an unknown path', 404, request('GET /nothing')],
  ['OPTIONS *', 404, request('OPTIONS *')],
  ['an unknown asset', 404, request('GET /assets/nothing.css')],
  ['a wrong method', 405, request('DELETE /api/auth/login')],
  ['a wrong method of a page', 405, request('POST /verify-email')],
  ['TRACE', 405, request('TRACE /api/status')],
  ['a method of WebDAV', 405, request('PROPFIND /api/status')],
  ['CONNECT', 405, request('CONNECT evil.example:443')],
  ['a body that is too large', 413, request('POST /api/auth/login', [json, 'Content-Length: 200000'])],
  [
    'a large body in chunks',
    413,
    request('POST /api/auth/login', [json, 'Transfer-Encoding: chunked'], `30d40\r\n${'a'.repeat(120_000)}`),
  ],
  ['a form', 415, request('POST /api/auth/login', ['Content-Type: text/plain', 'Content-Length: 1'], 'a')],
  ['a long address', 414, request(`GET /api/status?${'a'.repeat(2100)}`)],
  ['a long parameter', 414, request(`GET /api/auth/verify/${'a'.repeat(600)}`)],
  ['a path that does not decode', 400, request('GET /api/auth/verify/%zz')],
  ['no Host', 400, 'GET /api/status HTTP/1.1\r\n\r\n'],
  ['an unknown expectation', 200, request('GET /api/status', ['Expect: the-unexpected'])],
  [
    'an offer of another protocol',
    200,
    requestOf('GET /api/status', ['Connection: Upgrade', 'Upgrade: h2c']),
  ],
  ['no HTTP at all', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['a bad header', 400, request('GET /api/status', ['X A: b'])],
  ['headers that are too large', 431, request('GET /api/status', [`X-A: ${'a'.repeat(17_000)}`])],
  [
    'too many headers',
    431,
    request(
      'GET /api/status',
      Array.from({ length: 101 }, () => 'a:'),
    ),
  ],
  ['headers that do not end', 408, 'GET /api/status HTTP/1.1\r\nHost: x\r\n'],
  ['a body that does not end', 408, request('POST /api/auth/login', [json, 'Content-Length: 9'], '{')],
];

describe('headers', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({
      env: { PUBLIC_URL: 'https://auth.example.org', CORS_ORIGINS: ORIGIN },
      limits: { headersTimeout: 400, requestTimeout: 500, checkInterval: 50 },
    });
  });
  afterAll(() => app.close());

  const ask = (bytes: string) => exchange(app.http.baseUrl, bytes, 600);

  it.each(ANSWERS)(
    '%s: %i with all that protects',
    async (_what, status, bytes, cacheControl = 'no-store') => {
      const answer = await ask(bytes);
      expect(answer.status).toBe(status);
      expect(Object.fromEntries(Object.keys(SAFE).map((name) => [name, answer.headers.get(name)]))).toEqual(
        SAFE,
      );
      expect(answer.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
      expect(answer.headers.get('cache-control')).toBe(cacheControl);
      expect(answer.headers.get('vary')).toMatch(/(^|, )Origin(,|$)/);
      for (const banner of ['server', 'x-powered-by', 'via', 'x-aspnet-version'])
        expect(answer.headers.get(banner)).toBeNull();
      // Once each: of two policies some browsers take the weaker one.
      for (const name of Object.keys(SAFE))
        expect(answer.head.toLowerCase().split(`\n${name}:`)).toHaveLength(2);
      if (status >= 400 && !isPage(answer)) expectProblem(answer, status);
    },
  );

  it.each([
    'camera',
    'microphone',
    'geolocation',
    'usb',
    'serial',
    'payment',
    'display-capture',
    'browsing-topics',
  ])('Permissions-Policy closes %s', async (feature) => {
    const { headers } = await ask(request('GET /login'));
    expect(headers.get('permissions-policy')!.split(', ')).toContain(`${feature}=()`);
  });

  it('Strict-Transport-Security is left out where the public address is http', async () => {
    const local = await TestApp.start();
    const { headers } = await local.http.get('/api/status');
    expect(headers.get('strict-transport-security')).toBeNull();
    expect(headers.get('vary')).toBeNull();
    await local.close();
  });

  it('nothing of an authenticated route may be stored, in no answer of it', async () => {
    const { token } = await loggedIn(app);
    const statuses: number[] = [];
    // Those that end the session last.
    const paths = Object.entries(committedOpenApi().paths).sort(
      ([a], [b]) => Number(a.includes('logout')) - Number(b.includes('logout')),
    );
    for (const [path, operations] of paths)
      for (const [method, { security }] of Object.entries(
        operations as Record<string, { security?: object }>,
      )) {
        if (!security) continue;
        for (const credential of [undefined, token]) {
          const { status, headers } = await app.http.send(
            method.toUpperCase(),
            path.replace(/\{\w+\}/g, '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11'),
            undefined,
            { token: credential },
          );
          statuses.push(status);
          expect([path, headers.get('cache-control'), headers.get('etag')]).toEqual([path, 'no-store', null]);
        }
      }
    expect(new Set(statuses)).toEqual(new Set([200, 400, 401, 403, 404]));
  });

  it('hold for what arrives while the server closes, and the connection ends with the answer', async () => {
    const closing = await TestApp.start();
    const answer = await exchange(
      closing.http.baseUrl,
      (socket) => {
        socket.write('GET /api/status HTTP/1.1\r\nHost: x\r\n');
        const server = closing.nest.getHttpServer() as Server;
        setTimeout(() => void closing.close(), 50);
        const timer = setInterval(() => {
          if (server.listening) return;
          clearInterval(timer);
          socket.write('\r\n');
        }, 20);
      },
      5000,
    );
    expect([answer.status, answer.isClosed]).toEqual([200, true]);
    expect(answer.headers.get('connection')).toBe('close');
    expect(answer.headers.get('content-security-policy')).toBe(SAFE['content-security-policy']);
  });
});

function isPage({ headers }: RawAnswer): boolean {
  return headers.get('content-type') === 'text/html; charset=utf-8';
}

function expectProblem({ headers, body }: RawAnswer, status: number): void {
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const problem = JSON.parse(body) as Record<string, unknown>;
  expect(problem).toMatchObject({ type: 'about:blank', status, requestId: headers.get('x-request-id') });
  expect(Object.keys(problem).sort()).toEqual(
    [
      'type',
      'title',
      'status',
      'detail',
      'instance',
      'code',
      'requestId',
      ...(problem.errors ? ['errors'] : []),
    ].sort(),
  );
}
