// What it costs that a session can be ended at once. The same process with the check taken out is the reference.
const SESSIONS = 50;

export const title = 'The price of revocable sessions';

const CSRF = { server: 'gatehouse', path: '/api/auth/csrf' };
const PROFILE = { server: 'gatehouse', path: '/api/auth/profile' };

export const lines = [
  { name: 'bare Fastify', server: 'fastify', path: '/public' },
  { name: 'bare Nest on Fastify', server: 'nest', path: '/public' },
  { name: '+ @nestjs/passport, passport-jwt', server: 'nest', path: '/authenticated' },
  { name: 'csrf, no session check', ...CSRF, without: 'sessions' },
  { name: 'csrf, session cache', ...CSRF },
  { name: 'csrf, session by query', ...CSRF, without: 'cache' },
  { name: 'profile, no session check', ...PROFILE, without: 'sessions' },
  { name: 'profile, session cache', ...PROFILE },
  { name: 'profile, session by query', ...PROFILE, without: 'cache' },
];

export const targets = [
  { line: 'csrf, session cache', over: 'csrf, no session check', atMost: 1.1 },
  { line: 'profile, session cache', over: 'profile, no session check', atMost: 1.1 },
];

/** Returns what the requests of a line are: sessions of their own people, each in turn. */
export async function prepare({ gatehouse }) {
  const tokens = [];
  while (tokens.length < SESSIONS) tokens.push(await register(gatehouse, tokens.length));
  return ({ path }) =>
    tokens.map(
      (token) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
}

async function register(gatehouse, number) {
  const account = { email: `person${number}@example.org`, password: 'correct horse 7 battery!' };
  const answer = await gatehouse.fetch('/api/auth/register', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(account),
  });
  if (!answer.ok) throw new Error(`registration answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()).access_token;
}
