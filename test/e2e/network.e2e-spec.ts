import { freshEmail, login, PASSWORD, verified } from '../support/actors';
import { TestApp } from '../support/app';

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
      const { status, headers } = await preflight(origin);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-credentials')).toBe('true');
      expect(headers.get('vary')).toMatch(/origin/i);
      const answer = await app.http.get('/api/status', { headers: { Origin: origin } });
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    },
  );

  it.each([
    'https://evil.example',
    'https://app.example.org.evil.example',
    'http://app.example.org',
    'https://app.example.org:8443',
    'null',
  ])('%s is not and is told nothing', async (origin) => {
    const { headers } = await preflight(origin);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const answer = await app.http.get('/api/status', { headers: { Origin: origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
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
