import { request as rawRequest } from 'node:http';
import { TestApp } from '../support/app';
import { loggedIn } from '../support/actors';

describe('errors', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const json = { 'Content-Type': 'application/json' };

  it.each([
    ['an unknown path inside the API', 'GET', '/api/nothing'],
    ['an unknown path outside it', 'GET', '/nothing'],
    ['an unknown path with a body', 'POST', '/api/nothing'],
    ['an unknown asset', 'GET', '/assets/nothing.js'],
    ['a way out of the assets', 'GET', '/assets/..%2f..%2fpackage.json'],
  ])('answers 404 not_found to %s', async (_, method, path) => {
    const { status, body, headers } = await app.http.send<Record<string, unknown>>(
      method,
      path,
      method === 'POST' ? {} : undefined,
    );
    expect(status).toBe(404);
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      detail: 'Not found',
      instance: 'unknown',
      code: 'not_found',
      requestId: headers.get('x-request-id'),
    });
  });

  it.each([
    ['DELETE', '/api/auth/login', 'POST'],
    ['GET', '/api/auth/register', 'POST'],
    ['POST', '/api/auth/profile', 'DELETE, GET, HEAD, PUT'],
    ['PUT', '/api/auth/verify/some-token', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['POST', '/docs', 'GET, HEAD'],
    ['DELETE', '/verify-email', 'GET, HEAD'],
  ])('answers 405 with Allow to %s %s', async (method, path, allow) => {
    const { status, body, headers } = await app.http.send<Record<string, unknown>>(method, path, undefined);
    expect([status, body.code]).toEqual([405, 'method_not_allowed']);
    expect(headers.get('allow')).toBe(allow);
  });

  it.each([
    ['broken JSON', '{"email": "a@example.org", "password": "hunter2!x', 'malformed_json'],
    ['a constructor in disguise', '{"__proto__": {"isAdmin": true}}', 'malformed_json'],
    ['an array', '[]', 'malformed_request'],
    ['null', 'null', 'malformed_request'],
    ['a string', '"hunter2!x"', 'malformed_request'],
    ['12,000 levels', '{"a":'.repeat(12_000) + '1' + '}'.repeat(12_000), 'malformed_json'],
    ['40,000 brackets', `{"email":${'['.repeat(40_000)}${']'.repeat(40_000)}}`, 'malformed_json'],
  ])('answers 400 to %s without an echo of the body', async (_, body, code) => {
    const answer = await app.http.post('/api/auth/login', body, { headers: json });
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonp',
  ])('answers 415 to a body of type %s', async (type) => {
    const answer = await app.http.post('/api/auth/login', 'email=a', { headers: { 'Content-Type': type } });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('answers 413 to a body over 100 kB', async () => {
    const answer = await app.http.post('/api/auth/login', { email: 'a'.repeat(100 * 1024), password: 'x' });
    expect([answer.status, answer.body.code]).toEqual([413, 'payload_too_large']);
  });

  it('answers 400 to a path that does not decode', async () => {
    const answer = await app.http.get('/api/auth/verify/%zz');
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
  });

  it('answers 414 to an absurdly long path parameter', async () => {
    const answer = await app.http.get(`/api/auth/verify/${'a'.repeat(600)}`);
    expect([answer.status, answer.body.code]).toEqual([414, 'uri_too_long']);
  });

  it('accepts charset and letter case in the media type', async () => {
    const answer = await app.http.post('/api/auth/login', '{}', {
      headers: { 'Content-Type': 'Application/JSON; charset=UTF-8' },
    });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });

  it('names a hostile field without repeating it whole', async () => {
    const { body } = await app.http.post('/api/auth/login', { ['<script>'.repeat(20)]: 1 });
    expect(JSON.stringify(body)).not.toContain('<script>');
  });

  describe('X-Request-Id', () => {
    it('is made for every answer, errors included', async () => {
      for (const path of ['/health/live', '/nothing', '/api/auth/profile'])
        expect((await app.http.get(path)).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    });

    it('is kept when a sane one comes in, and reaches the audit trail', async () => {
      const { token, id } = await loggedIn(app);
      const { headers } = await app.http.post('/api/auth/logout', undefined, {
        token,
        headers: { 'X-Request-Id': 'trace-1234.abc' },
      });
      expect(headers.get('x-request-id')).toBe('trace-1234.abc');
      const events = await app.database.query(
        'SELECT 1 FROM audit_events WHERE user_id = $1 AND request_id = $2',
        [id, 'trace-1234.abc'],
      );
      expect(events).toHaveLength(1);
    });

    it.each(['short', 'has spaces in it', 'x'.repeat(129), 'semi;colon;colon'])(
      'is replaced when it is %s',
      async (incoming) => {
        const { headers } = await app.http.get('/health/live', { headers: { 'X-Request-Id': incoming } });
        expect(headers.get('x-request-id')).not.toBe(incoming);
      },
    );
  });

  describe('a database that does not answer', () => {
    let broken: TestApp;

    beforeAll(async () => {
      broken = await TestApp.start();
      // Refuses new connections and cuts those there are, as a stopping server does.
      const name = new URL(broken.database.url).pathname.slice(1);
      await app.database.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      await app.database.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
        name,
      ]);
    });
    afterAll(() => broken.close());

    it('gives 503 unavailable with Retry-After within 2 s, never 500, 401 or a hang', async () => {
      const { token } = await loggedIn(app);
      const requests = [
        () => broken.http.get('/api/auth/profile', { token }),
        () => broken.http.post('/api/auth/login', { email: 'a@example.org', password: 'x' }),
        () => broken.http.post('/api/auth/verify', { token: 'x' }),
        () => broken.http.post('/api/auth/verify/resend', { email: 'a@example.org' }),
      ];
      for (const send of requests) {
        const start = Date.now();
        const { status, body, headers } = await send();
        expect([status, body.code]).toEqual([503, 'unavailable']);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
        expect(Date.now() - start).toBeLessThan(2500);
      }
    });

    it('leaves the liveness probe up and turns readiness and health to 503', async () => {
      expect((await broken.http.get('/health/live')).status).toBe(200);
      expect((await broken.http.get('/health/ready')).status).toBe(503);
      const { status, body } = await broken.http.get('/health');
      expect(status).toBe(503);
      expect(body).toMatchObject({
        status: 'error',
        error: { database: { status: 'down', message: 'not reachable' } },
      });
    });
  });

  it('never sends the request on to a second one hidden in its body', async () => {
    const { port } = new URL(app.http.baseUrl);
    const status = await new Promise<number>((resolve, reject) => {
      const request = rawRequest(
        {
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/api/auth/login',
          headers: { ...json, 'Content-Length': '4', 'Transfer-Encoding': 'chunked' },
        },
        (response) => resolve(response.resume().statusCode!),
      );
      request.on('error', reject);
      request.end('0\r\n\r\n');
    });
    expect(status).toBe(400);
  });
});
