import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { HTTP_LIMITS } from '../../src/common/http/limits';
import { readEnv } from '../../src/config/env';
import { freshEmail, loggedIn, login, PASSWORD, verified } from '../support/actors';
import { TestApp } from '../support/app';
import { exchange, request } from '../support/raw';

const crossOrigin = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

/** Whose address is written to the session of a login that came with this header. */
async function loginFrom(app: TestApp, forwardedFor: string): Promise<string> {
  const { id, email } = await verified(app);
  const { status } = await app.http.post(
    '/api/auth/login',
    { email, password: PASSWORD },
    { headers: { 'X-Forwarded-For': forwardedFor } },
  );
  expect(status).toBe(200);
  const [session] = await app.database.query<{ ip: string }>(
    'SELECT host(ip) AS ip FROM sessions WHERE user_id = $1',
    [id],
  );
  return session!.ip;
}

describe('the address of a client', () => {
  let app: TestApp;

  afterEach(() => app.close());

  it.each([
    ['off', '203.0.113.7', '127.0.0.1'],
    ['1', '203.0.113.7', '203.0.113.7'],
    ['1', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['2', '198.51.100.1, 203.0.113.7, 10.0.0.9', '203.0.113.7'],
    ['127.0.0.0/8', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['127.0.0.1,203.0.113.7', '198.51.100.1, 203.0.113.7', '198.51.100.1'],
    ['10.0.0.0/8', '203.0.113.7', '127.0.0.1'],
    ['1', '2001:db8::7', '2001:db8::7'],
  ])('under TRUST_PROXY=%s, forwarded for %s, is %s', async (trusted, forwardedFor, ip) => {
    app = await TestApp.start({ env: { TRUST_PROXY: trusted } });
    expect(await loginFrom(app, forwardedFor)).toBe(ip);
  });

  it.each(['unknown', '203.0.113.7:4711', '[2001:db8::7]:4711', '"><script>', ''])(
    'is still something that can be stored where a trusted proxy says %j',
    async (forwardedFor) => {
      app = await TestApp.start({ env: { TRUST_PROXY: '1' } });
      expect(await loginFrom(app, forwardedFor)).toMatch(/^(127\.0\.0\.1|203\.0\.113\.7|2001:db8::7)$/);
    },
  );
});

describe('browser applications of other origins', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ env: { CORS_ORIGINS: 'https://app.example.org, https://www.example.org' } });
  });
  afterAll(() => app.close());

  const preflight = (origin: string) =>
    app.http.send('OPTIONS', '/api/auth/login', undefined, {
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,authorization',
      },
    });

  it.each(['https://app.example.org', 'https://www.example.org'])(
    '%s is on the list and may call, with credentials',
    async (origin) => {
      const { status, headers, body } = await preflight(origin);
      expect([status, body]).toEqual([204, undefined]);
      expect(crossOrigin(headers)).toEqual({
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'Authorization, Content-Type, X-CSRF-Token, X-Request-Id',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'Retry-After, RateLimit, RateLimit-Policy, X-Request-Id',
        'access-control-max-age': '600',
      });
      expect(headers.get('vary')).toBe('Origin');
      expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");

      const answer = await app.http.get('/api/status', { headers: { Origin: origin } });
      expect(crossOrigin(answer.headers)).toEqual({
        'access-control-allow-credentials': 'true',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'Retry-After, RateLimit, RateLimit-Policy, X-Request-Id',
      });
      expect(answer.headers.get('vary')).toBe('Origin');
    },
  );

  it.each([
    'https://evil.example',
    'https://app.example.org.evil.example',
    'https://evilapp.example.org',
    'https://APP.example.org',
    'https://app.example.org/',
    'https://app.example.org:443',
    'https://app.example.org, https://evil.example',
    'http://app.example.org',
    'https://app.example.org:8443',
    'https://*.example.org',
    '*',
    'null',
    'undefined',
    'file://',
    'toString',
    '__proto__',
  ])('%s is not and is told nothing', async (origin) => {
    const asked = await preflight(origin);
    expect([asked.status, asked.body]).toMatchObject([405, { code: 'method_not_allowed' }]);
    const got = await app.http.get('/api/status', { headers: { Origin: origin } });
    const unroutable = await app.http.get('/%zz', { headers: { Origin: origin } });
    for (const { headers } of [asked, got, unroutable]) {
      expect(crossOrigin(headers)).toEqual({});
      expect(headers.get('vary')).toBe('Origin');
    }
  });

  it('are no concern of a request without an origin, but a cache is told that the answer depends on it', async () => {
    for (const path of ['/api/status', '/nothing', '/verify-email', '/%zz']) {
      const { headers } = await app.http.get(path);
      expect(crossOrigin(headers)).toEqual({});
      expect(headers.get('vary')).toMatch(/(^|, )Origin(,|$)/);
    }
  });

  it('need a preflight to be one: OPTIONS alone is a wrong method like any other', async () => {
    const { status, headers } = await app.http.send('OPTIONS', '/api/auth/login', undefined, {
      headers: { Origin: 'https://app.example.org' },
    });
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
    expect(headers.get('access-control-allow-methods')).toBeNull();
  });

  it.each([
    'null',
    '*',
    'https://*.example.org',
    'https://app.example.org/',
    'https://app.example.org/path',
    'https://app.example.org:443',
    'HTTPS://app.example.org',
    'https://App.example.org',
    'https://app.example.org, null',
    'app.example.org',
    'ftp://app.example.org',
    'file:///app',
  ])('are listed as browsers write them, so CORS_ORIGINS=%s does not start', (origins) => {
    expect(() => readEnv({ CORS_ORIGINS: origins })).toThrow(/CORS_ORIGINS must be/);
  });

  it('may read what the router refuses', async () => {
    const { status, headers } = await app.http.get('/%zz', {
      headers: { Origin: 'https://www.example.org' },
    });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([400, 'https://www.example.org']);
  });

  it('are told of errors too, so that their code can read them', async () => {
    const { status, headers } = await app.http.post(
      '/api/auth/login',
      { email: freshEmail(), password: 'wrong' },
      { headers: { Origin: 'https://app.example.org' } },
    );
    expect(status).toBe(401);
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example.org');
  });

  it('are not needed where nobody is on the list', async () => {
    const closed = await TestApp.start();
    const { email } = await verified(closed);
    await login(closed, { email, password: PASSWORD });
    const { headers } = await closed.http.get('/api/status', {
      headers: { Origin: 'https://app.example.org' },
    });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    await closed.close();
  });
});

/** The answer to it would show that it was taken for a request. */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';
const LOGIN = 'POST /api/auth/login';
const JSON_TYPE = 'Content-Type: application/json';
const chunked = (headers: string[], body: string) =>
  request(LOGIN, [JSON_TYPE, ...headers], `${body}${HIDDEN}`);

describe('a request that two parsers may read differently', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  it('meets the strict parser, whatever flags the process has', () => {
    const server = app.nest.getHttpServer() as Server & { insecureHTTPParser?: boolean };
    expect(server.insecureHTTPParser).toBe(false);
  });

  it.each([
    ['a length and chunks', chunked(['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n')],
    ['chunks and a length', chunked(['Transfer-Encoding: chunked', 'Content-Length: 4'], '0\r\n\r\n')],
    ['two lengths', chunked(['Content-Length: 2', 'Content-Length: 3'], '{}')],
    ['the same length twice', chunked(['Content-Length: 2', 'Content-Length: 2'], '{}')],
    ...['+2', '2, 2', '0x2', '-2', '2 2', '2a', '', '1e1', '9'.repeat(30)].map((length): [string, string] => [
      `the length ${length}`,
      chunked([`Content-Length: ${length}`], '{}'),
    ]),
    ...['xchunked', 'identity', 'chunked, identity', 'gzip, chunked', '\x0bchunked', 'chunked;q=1'].map(
      (coding): [string, string] => [
        `the transfer coding ${coding}`,
        chunked([`Transfer-Encoding: ${coding}`], '0\r\n\r\n'),
      ],
    ),
    ['two codings', chunked(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n')],
    ['chunks twice', chunked(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n')],
    ...['g', '0x2', '-2', '+2', ' 2', '2 ', '2_', '', 'f'.repeat(19), '2\n{}\n0\n\n', '2;a\n'].map(
      (size): [string, string] => [
        `a chunk of size ${JSON.stringify(size)}`,
        chunked(['Transfer-Encoding: chunked'], `${size}\r\n{}\r\n0\r\n\r\n`),
      ],
    ),
    ['a chunk longer than it says', chunked(['Transfer-Encoding: chunked'], '2\r\n{}xx\r\n0\r\n\r\n')],
    [
      'a length in the trailer',
      chunked(['Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n'),
    ],
    ['a space before the colon', chunked(['Transfer-Encoding : chunked'], '0\r\n\r\n')],
    ['a folded header', chunked(['X-A: b\r\n Transfer-Encoding: chunked'], '0\r\n\r\n')],
    ['a folded first header', `GET /api/status HTTP/1.1\r\n Host: x\r\n\r\n${HIDDEN}`],
    ['bare line feeds', `GET /api/status HTTP/1.1\nHost: x\n\n${HIDDEN}`],
    ['a header ended by a line feed', `GET /api/status HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n${HIDDEN}`],
    ['a bare carriage return', `GET /api/status HTTP/1.1\r\nHost: x\rX-A: b\r\n\r\n${HIDDEN}`],
    ['NUL in a header', request('GET /api/status', ['X-A: a\0b'], HIDDEN)],
    ['a control character in a header', request('GET /api/status', ['X-A: a\x01b'], HIDDEN)],
    ['a space in the name of a header', request('GET /api/status', ['X A: b'], HIDDEN)],
    ['a header without a name', request('GET /api/status', [': b'], HIDDEN)],
    ['a header without a colon', request('GET /api/status', ['nonsense'], HIDDEN)],
    ['NUL in the address', request('GET /api/sta\0tus', [], HIDDEN)],
    ['a byte beyond ASCII in the address', request('GET /api/status\xff', [], HIDDEN)],
    ['a method in lower case', request('get /api/status', [], HIDDEN)],
    ['a method that does not exist', request('STEAL /api/status', [], HIDDEN)],
    [
      'chunks under HTTP/1.0',
      `${LOGIN} HTTP/1.0\r\n${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['HTTP/0.9', `GET /api/status\r\n\r\n`],
    ['HTTP/2.0', `GET /api/status HTTP/2.0\r\nHost: x\r\n\r\n`],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('is refused, and nothing behind it is read: %s', async (_what, bytes) => {
    const answer = await exchange(app.http.baseUrl, Buffer.from(bytes, 'latin1'));
    expect(answer).toMatchObject({ status: 400, isClosed: true });
    expect(answer.headers.get('connection')).toBe('close');
    expect(JSON.parse(answer.body)).toMatchObject({ status: 400, code: 'malformed_request' });
    expect(answer.text.split('HTTP/1.1 ')).toHaveLength(2);
    expect(answer.text).not.toContain('hidden');
  });

  it.each([
    ['no Host', 'GET /api/status HTTP/1.1\r\n\r\n'],
    ['two of them', request('GET /api/status', ['Host: a', 'Host: b'])],
    ['two of them in other letters', request('GET /api/status', ['Host: a', 'hOST: a'])],
  ])('is refused where it names %s', async (_what, bytes) => {
    const { status, body } = await exchange(app.http.baseUrl, bytes, 200);
    expect([status, JSON.parse(body)]).toMatchObject([400, { code: 'malformed_request' }]);
  });

  it('is read as it was always meant: HTTP/1.0, pipelining, a body that nobody asked for', async () => {
    const old = await exchange(app.http.baseUrl, 'GET /api/status HTTP/1.0\r\n\r\n');
    expect([old.status, old.isClosed]).toEqual([200, true]);
    const two = await exchange(app.http.baseUrl, request('GET /api/status') + request('GET /nothing'), 200);
    expect(two.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
    const body = await exchange(
      app.http.baseUrl,
      request(LOGIN, [JSON_TYPE, 'Content-Length: 2'], '{}') + request('GET /api/status'),
      200,
    );
    expect(body.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 200']);
    // Where the body ends is clear, so what follows is a request, but it is not waited for.
    const unasked = await exchange(
      app.http.baseUrl,
      request('GET /api/status', ['Content-Length: 40'], 'GET /'),
      200,
    );
    expect(unasked.status).toBe(200);
  });

  it('counts none of two credentials', async () => {
    const { token } = await loggedIn(app);
    const credential = `Authorization: Bearer ${token}`;
    const statusOf = async (headers: string[]) =>
      (await exchange(app.http.baseUrl, request('GET /api/auth/profile', [...headers, 'Connection: close'])))
        .status;
    expect(await statusOf([credential])).toBe(200);
    expect(await statusOf([credential, credential])).toBe(401);
    expect(await statusOf([credential, 'Authorization: Bearer x'])).toBe(401);
    expect(await statusOf([`Authorization: Bearer x, Bearer ${token}`])).toBe(401);
  });
});

describe('methods', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  it.each(['TRACE', 'PATCH', 'PROPFIND', 'SEARCH', 'LOCK', 'M-SEARCH', 'PURGE', 'ACL', 'LINK'])(
    '%s is 405 with what works on this path, and 404 where there is none',
    async (method) => {
      const known = await exchange(
        app.http.baseUrl,
        request(`${method} /api/auth/profile`, ['Connection: close']),
      );
      expect([known.status, known.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, PUT']);
      const unknown = await exchange(app.http.baseUrl, request(`${method} /nothing`, ['Connection: close']));
      expect(unknown.status).toBe(404);
    },
  );

  it('CONNECT opens no tunnel', async () => {
    const answer = await exchange(
      app.http.baseUrl,
      request('CONNECT 127.0.0.1:5432') + request('GET /hidden'),
    );
    expect([answer.status, answer.isClosed]).toEqual([405, true]);
    expect(answer.text).not.toContain('hidden');
  });

  it('TRACE shows nothing of the request', async () => {
    const { text } = await exchange(
      app.http.baseUrl,
      request('TRACE /api/status', ['Cookie: session=very-secret', 'Connection: close']),
    );
    expect(text).not.toContain('very-secret');
  });
});

/** Sends the chunk over and over, as long as the server takes it. */
function pour(head: string, chunk: string) {
  return (socket: Socket) => {
    socket.write(head);
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
      socket.once('drain', more);
    };
    more();
  };
}

describe('limits', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  it('are those that the documents name', () => {
    const server = app.nest.getHttpServer() as Server;
    expect(HTTP_LIMITS).toEqual({
      body: 102_400,
      header: 16_384,
      headerLines: 100,
      url: 2048,
      pathParameter: 512,
      headersTimeout: 15_000,
      requestTimeout: 30_000,
      checkInterval: 500,
      silence: 60_000,
      keepAlive: 72_000,
      connections: 8192,
    });
    expect(server).toMatchObject({
      headersTimeout: 15_000,
      requestTimeout: 30_000,
      timeout: 60_000,
      keepAliveTimeout: 72_000,
      maxConnections: 8192,
    });
    const rows = readFileSync(join(__dirname, '../../docs/configuration.md'), 'utf8');
    for (const row of [
      /request body · depth of JSON · its members +\| 100 kB · 32 · 1000 /,
      /headers of a request · lines of them +\| 16 kB · 100 /,
      /address · parameter in a path +\| 2048 · 512 characters /,
      /receiving the headers · a whole request +\| 15 s · 30 s /,
      /silence during an answer · between two requests +\| 60 s · 72 s /,
      /connections of one process +\| 8192 /,
    ])
      expect(rows).toMatch(row);
  });

  it.each([
    ['in chunks that never end', ['Transfer-Encoding: chunked'], `4000\r\n${'a'.repeat(0x4000)}\r\n`],
    ['in chunks of a byte', ['Transfer-Encoding: chunked'], '1\r\na\r\n'.repeat(2000)],
    ['of a gigabyte', ['Content-Length: 1073741824'], 'a'.repeat(65_536)],
  ])('a body %s is 413 soon, and the connection is closed', async (_what, headers, chunk) => {
    for (const line of [LOGIN, 'POST /api/nothing', 'DELETE /api/auth/profile']) {
      const sent = pour(request(line, [JSON_TYPE, ...headers]), chunk);
      let bytes = 0;
      const answer = await exchange(
        app.http.baseUrl,
        (socket) => {
          socket.on('close', () => (bytes = socket.bytesWritten));
          sent(socket);
        },
        5000,
      );
      expect([answer.status, answer.isClosed]).toEqual([413, true]);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'payload_too_large' });
      // What the kernels hold between them is sent as well.
      expect(bytes).toBeLessThan(32 * 1024 * 1024);
      expect(answer.ms).toBeLessThan(10_000);
    }
  });

  it.each([
    ['405', 'DELETE /api/auth/login', JSON_TYPE],
    ['404', 'POST /api/nothing', 'Content-Type: text/plain'],
    ['415', LOGIN, 'Content-Type: text/plain'],
    ['200', 'GET /api/status', JSON_TYPE],
  ])(
    '%s needs no body, and so the connection of one that never ends is closed',
    async (status, line, type) => {
      const head = request(line, [type, 'Transfer-Encoding: chunked']);
      const answer = await exchange(app.http.baseUrl, pour(head, `4000\r\n${'a'.repeat(0x4000)}\r\n`), 5000);
      expect([String(answer.status), answer.isClosed]).toEqual([status, true]);
      expect(answer.ms).toBeLessThan(10_000);
    },
  );

  it('a body that is longer than it says is followed by no request', async () => {
    const body = JSON.stringify({ email: 'a@example.org', password: 'x' });
    const answer = await exchange(app.http.baseUrl, request(LOGIN, [JSON_TYPE, 'Content-Length: 2'], body));
    expect([answer.isClosed, answer.text.match(/HTTP\/1\.1 \d+/g)]).toEqual([true, ['HTTP/1.1 400']]);
  });

  it.each(['gzip', 'GZIP', 'deflate', 'br', 'zstd', 'compress', 'identity, gzip', 'nonsense'])(
    'a body in %s is 415: nothing is ever decompressed',
    async (coding) => {
      const answer = await exchange(
        app.http.baseUrl,
        request(LOGIN, [JSON_TYPE, `Content-Encoding: ${coding}`, 'Content-Length: 2'], '{}'),
      );
      expect(answer.status).toBe(415);
    },
  );

  it('memory does not grow with bodies that are refused', async () => {
    const attack = () =>
      Promise.all(
        Array.from({ length: 20 }, () =>
          exchange(
            app.http.baseUrl,
            pour(
              request(LOGIN, [JSON_TYPE, 'Transfer-Encoding: chunked']),
              `4000\r\n${'a'.repeat(0x4000)}\r\n`,
            ),
            5000,
          ),
        ),
      );
    await attack();
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 5; round++) await attack();
    // Of 100 bodies, client and server in one process.
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
  });

  it.each([
    ['an address of 2048 characters', 404, request(`GET /${'a'.repeat(2047)}`)],
    ['an address of 2049', 414, request(`GET /${'a'.repeat(2048)}`)],
    ['a query that makes it 2049', 414, request(`GET /api/status?${'a'.repeat(2037)}`)],
    ['a parameter of 512', 400, request(`GET /api/auth/verify/${'a'.repeat(512)}`)],
    ['a parameter of 513', 414, request(`GET /api/auth/verify/${'a'.repeat(513)}`)],
    [
      '100 header lines',
      200,
      request(
        'GET /api/status',
        Array.from({ length: 99 }, (_, i) => `X-${i}: 1`),
      ),
    ],
    [
      '101 header lines',
      431,
      request(
        'GET /api/status',
        Array.from({ length: 100 }, (_, i) => `X-${i}: 1`),
      ),
    ],
    [
      '3,000 header lines',
      431,
      request(
        'GET /api/status',
        Array.from({ length: 3000 }, () => 'a:'),
      ),
    ],
    ['16,000 bytes of headers', 200, request('GET /api/status', [`X-A: ${'a'.repeat(16_000)}`])],
    ['17,000 bytes of headers', 431, request('GET /api/status', [`X-A: ${'a'.repeat(17_000)}`])],
    ['a cookie of 17,000 bytes', 431, request('GET /api/status', [`Cookie: session=${'a'.repeat(17_000)}`])],
  ])('%s: %i', async (_what, status, bytes) => {
    expect((await exchange(app.http.baseUrl, bytes, 300)).status).toBe(status);
  });

  it('a header that never ends is cut off', async () => {
    const answer = await exchange(
      app.http.baseUrl,
      pour('GET / HTTP/1.1\r\nHost: x\r\nX-A: ', 'a'.repeat(4096)),
      5000,
    );
    expect([answer.status, answer.isClosed]).toEqual([431, true]);
  });

  it('connections beyond the limit are closed at once, those below it are served', async () => {
    const small = await TestApp.start({ limits: { connections: 3 } });
    const held = await Promise.all(Array.from({ length: 5 }, () => exchange(small.http.baseUrl, '', 300)));
    expect(held.filter(({ isClosed }) => isClosed)).toHaveLength(2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await small.http.get('/api/status')).status).toBe(200);
    await small.close();
  });
});

/** One byte a second. */
const trickle = (head: string, byte: string) => (socket: Socket) => {
  socket.write(head);
  const timer = setInterval(() => socket.write(byte), 1000);
  socket.on('close', () => clearInterval(timer));
};

describe('slow clients', () => {
  it('are cut off: headers after 15 s, a body after 30 s, nobody else waiting meanwhile', async () => {
    const app = await TestApp.start();
    const cut = (sent: string | ((socket: Socket) => unknown)) => exchange(app.http.baseUrl, sent, 40_000);
    const attacks = [
      cut(''),
      cut('GET /api/status HTTP/1.1\r\n'),
      cut(trickle('GET /api/status HTTP/1.1\r\nHost: x\r\nX-A: ', 'a')),
      cut(trickle(request(LOGIN, [JSON_TYPE, 'Content-Length: 1000']), ' ')),
      cut(trickle(request(LOGIN, [JSON_TYPE, 'Transfer-Encoding: chunked']), '1\r\n \r\n')),
    ];
    const crowd = Array.from({ length: 200 }, () => cut('GET /api/status HTTP/1.1\r\nX-A: '));
    for (let second = 0; second < 5; second++) {
      const start = performance.now();
      expect((await app.http.get('/health/live')).status).toBe(200);
      expect(performance.now() - start).toBeLessThan(1000);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    const answers = await Promise.all(attacks);
    // Who has asked nothing is told nothing.
    expect(answers.map(({ status }) => status)).toEqual([undefined, 408, 408, 408, 408]);
    for (const { isClosed } of [...answers, ...(await Promise.all(crowd))]) expect(isClosed).toBe(true);
    answers.forEach(({ ms }, at) => {
      const seconds = at < 3 ? 15 : 30;
      expect(ms).toBeGreaterThan(seconds * 1000 - 500);
      expect(ms).toBeLessThan(seconds * 1000 + 2500);
    });
    await app.close();
  }, 60_000);

  it('may take their time between two requests, longer than proxies do', async () => {
    const app = await TestApp.start({ limits: { headersTimeout: 300, checkInterval: 50 } });
    const answer = await exchange(
      app.http.baseUrl,
      (socket) => {
        socket.write(request('GET /api/status'));
        setTimeout(() => socket.write(request('GET /api/status', ['Connection: close'])), 1000);
      },
      2000,
    );
    expect(answer.text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(answer.headers.get('keep-alive')).toBe('timeout=72');
    await app.close();
  });
});
