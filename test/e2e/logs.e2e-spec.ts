import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECURITY_EVENTS } from '../../src/common/log/security-events';
import { AUDIT_ACTIONS } from '../../src/audit/actions';
import { createDatabase, type TestDatabase } from '../support/database';
import { Mailbox } from '../support/mailbox';
import { Http } from '../support/http';
import { Server } from '../support/server';
import { TEST_SECRET } from '../support/app';

jest.setTimeout(90_000);

/** Told apart from everything else in a log. */
const CANARY = 'c4n4ry';
const EMAIL = `${CANARY}.person@example.org`;
const PASSWORD = `${CANARY} horse 7 battery!`;
const NEW_PASSWORD = `${CANARY} stable 8 staple!`;
const WRONG_PASSWORD = `${CANARY} wrong 9 guess!`;
const ESCAPE = '\u001b';

interface Line {
  event?: string;
  level: number;
  category?: string;
  requestId?: string;
  userId?: string;
}

describe('the log', () => {
  let database: TestDatabase;
  let mailbox: Mailbox;
  let server: Server;
  let http: Http;
  /** What must not be found, in the order in which it came up. */
  const secrets: string[] = [CANARY, TEST_SECRET];
  const keep = (...values: (string | null | undefined)[]) =>
    secrets.push(...values.filter((value) => value !== null && value !== undefined));

  beforeAll(async () => {
    database = await createDatabase();
    mailbox = new Mailbox();
    const smtpUrl = await mailbox.listen();
    server = await Server.start({
      DATABASE_URL: database.url,
      SMTP_URL: smtpUrl,
      JWT_SECRET: TEST_SECRET,
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
    });
    http = new Http(server.baseUrl);
    await journey();
  });
  afterAll(async () => {
    await server?.stop('SIGKILL');
    await mailbox?.close();
    await database?.drop();
  });

  const linkFor = async (count: number) => {
    const { token } = await mailbox.waitFor(EMAIL, count);
    keep(token);
    return token!;
  };
  const login = async (password = PASSWORD) => {
    const { body, headers } = await http.post<Record<string, string>>('/api/auth/login', {
      email: EMAIL,
      password,
    });
    keep(body.access_token, body.refresh_token, ...headers.getSetCookie().map(secretOf));
    return { token: body.access_token!, refreshToken: body.refresh_token! };
  };

  /** Each flow once, well and badly. */
  async function journey(): Promise<void> {
    await http.post('/api/auth/register', { email: EMAIL, password: PASSWORD, name: `${CANARY} Doe` });
    await http.post('/api/auth/register', { email: EMAIL, password: PASSWORD });
    await http.post('/api/auth/login', { email: EMAIL, password: PASSWORD });
    await http.get(`/api/auth/verify/${await linkFor(1)}`);
    await http.post('/api/auth/verify', { token: `${CANARY}-no-such-token` });
    await http.post('/api/auth/login', { email: EMAIL, password: WRONG_PASSWORD });
    const { token, refreshToken } = await login();
    const { body } = await http.post<Record<string, string>>('/api/auth/refresh', {
      refresh_token: refreshToken,
    });
    keep(body.access_token, body.refresh_token);
    await http.get('/api/auth/profile', { token });
    await http.get('/api/auth/profile', { token: `${CANARY}.forged.token` });
    await http.get(`/api/${CANARY}/${CANARY}?token=${CANARY}`);
    await http.post('/api/auth/login', `{"email":"${EMAIL}","password":"${PASSWORD}`);
    await cookieWithoutProof();
    await http.post(
      '/api/auth/change-password',
      { currentPassword: WRONG_PASSWORD, newPassword: NEW_PASSWORD },
      { token },
    );
    await http.post(
      '/api/auth/change-password',
      { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
      { token },
    );
    await http.post('/api/auth/reset-request', { email: EMAIL });
    await mailbox.waitFor(EMAIL, 2);
    for (const letter of mailbox.to(EMAIL)) keep(letter.token);
    await http.get('/api/auth/export', { token });
    const { status } = await http.delete('/api/auth/profile', { password: NEW_PASSWORD }, { token });
    expect(status).toBe(204);
    // What was written has still to be read.
    for (let tries = 0; !server.output.includes('"account.deleted"') && tries < 100; tries++) await sleep(50);
  }

  async function cookieWithoutProof(): Promise<void> {
    const { headers } = await http.post('/api/auth/login', {
      email: EMAIL,
      password: PASSWORD,
      transport: 'cookie',
    });
    const cookies = headers.getSetCookie().map((cookie) => cookie.split(';')[0]!);
    keep(...headers.getSetCookie().map(secretOf));
    await http.put('/api/auth/profile', { name: 'Mallory' }, { headers: { Cookie: cookies.join('; ') } });
  }

  const lines = () =>
    server.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);

  it('tells of each flow, and of no secret, address or text that anybody typed, at any level', () => {
    const events = new Set(lines().map(({ event }) => event));
    for (const event of [
      'account.registered',
      'registration.refused',
      'email.verified',
      'link.refused',
      'login.failed',
      'login.succeeded',
      'token.refreshed',
      'token.refused',
      'csrf.refused',
      'password.refused',
      'password.changed',
      'password.reset_requested',
      'account.exported',
      'account.deleted',
      'request.completed',
      'mail.sent',
    ])
      expect([event, events.has(event)]).toEqual([event, true]);
    expect(secrets.length).toBeGreaterThan(8);
    const found = secrets.filter((secret) => server.output.includes(secret));
    expect(found).toEqual([]);
  });

  it('ties the lines of a request together, and security events to people by id', () => {
    const failed = lines().find(({ event }) => event === 'login.succeeded')!;
    expect(failed).toMatchObject({
      category: 'security',
      level: 30,
      userId: expect.any(String),
      ip: expect.any(String),
    });
    expect(
      lines()
        .filter(({ requestId }) => requestId === failed.requestId)
        .map(({ event }) => event),
    ).toContain('request.completed');
  });

  it('is not forged by line breaks, control characters or colours', async () => {
    const forged = `{"level":60,"event":"${CANARY}.forged"}`;
    await new Promise<void>((resolve, reject) => {
      const sent = request(`${server.baseUrl}/api/status`, {
        headers: { 'User-Agent': `x ${ESCAPE}[31m`, 'X-Request-Id': 'abcdefgh' },
        insecureHTTPParser: true,
      });
      sent.on('error', reject).on('response', (response) => response.resume().on('end', () => resolve()));
      sent.end();
    }).catch(() => undefined);
    await http.get(`/api/${encodeURIComponent(`\n${forged}\r\n`)}`);
    await http.post('/api/auth/login', { email: `a\n${forged}@example.org`, password: `\n${forged}` });
    await http.post('/api/auth/verify', { token: `x\n${forged}` });
    await sleep(500);
    expect(lines().filter(({ event }) => event?.includes(CANARY))).toEqual([]);
    expect(server.output).not.toContain(ESCAPE);
  });

  it('docs/logs.md explains every security event, with its level', () => {
    const text = readFileSync(join(__dirname, '../../docs/logs.md'), 'utf8');
    const section = text.slice(text.indexOf('## Security events'), text.indexOf('## Everything else'));
    const rows = [...section.matchAll(/^\| `([\w.]+)` +\| (\w+) +\|/gm)].map(([, event, level]) => [
      event,
      level,
    ]);
    expect(rows).toEqual(Object.entries(SECURITY_EVENTS));
    expect(AUDIT_ACTIONS.filter((action) => !(action in SECURITY_EVENTS))).toEqual([]);
  });
});

/** The value of a cookie that is being set; undefined where one is taken away. */
function secretOf(cookie: string): string | undefined {
  return cookie.split(';')[0]!.split('=').slice(1).join('=') || undefined;
}
