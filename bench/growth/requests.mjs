// What is sent: for each line a source of requests, alike for a database of any size.
import { createHmac, randomInt, randomUUID } from 'node:crypto';
import sessionTokens from '../../dist/src/sessions/session-tokens.js';
import signingKeys from '../../dist/src/auth/tokens/signing-keys.js';
import { PRODUCTION } from '../settings.mjs';
import { emailOf, SECRET } from './shape.mjs';

/** Of whom requests are made, at most; of a small database everybody. */
const PEOPLE = 5_000;
const PASSWORD = 'correct horse 7 battery!';
const jwt = { algorithm: 'HS256', secrets: [PRODUCTION.JWT_SECRET] };
const refreshTokens = new sessionTokens.SessionTokens({ jwt });
const { kid } = new signingKeys.SigningKeys({ jwt }).current;

/** Picked at random, as requests come. */
export async function pickPeople(client, users) {
  const numbers = new Set();
  while (numbers.size < Math.min(PEOPLE, users * 0.9)) numbers.add(randomInt(users) + 1);
  const emails = [...numbers].map(emailOf);
  const { rows: sessions } = await client.query(
    `SELECT sessions.id, user_id AS "userId", email, generation FROM users JOIN sessions ON user_id = users.id
     WHERE email_canonical = ANY($1) AND email_verified_at IS NOT NULL AND transport = 'bearer'
       AND revoked_at IS NULL AND expires_at > now() + interval '1 hour' ORDER BY random()`,
    [emails],
  );
  await readAll(client, sessions);
  return { sessions, emails: [...new Set(sessions.map(({ email }) => email))] };
}

/**
 * Reads what the requests will ask for, as the database of a running service has done: who uses it now has used it a
 * quarter of an hour ago.
 */
async function readAll(client, sessions) {
  const ids = sessions.map(({ id }) => id);
  const owners = [...new Set(sessions.map(({ userId }) => userId))];
  await client.query('SET enable_seqscan = off; SET enable_bitmapscan = off');
  await client.query(
    'SELECT count(s) FROM unnest($1::uuid[]) AS wanted JOIN sessions AS s ON s.id = wanted',
    [ids],
  );
  for (const table of ['sessions', 'tasks', 'verification_tokens', 'reset_tokens', 'audit_events'])
    await client.query(
      `SELECT count(t) FROM unnest($1::uuid[]) AS wanted JOIN ${table} AS t ON user_id = wanted`,
      [owners],
    );
  await client.query('RESET enable_seqscan; RESET enable_bitmapscan');
}

/** By title: gives the next request. `done` is called with each that was answered. */
export function sources({ sessions, emails }) {
  const waiting = sessions.map((session) => ({ ...session }));
  const next = (list) => list[randomInt(list.length)];
  const bearer = (session) => ({ Authorization: `Bearer ${accessToken(session)}` });
  const post = (path, body, done) => ({ method: 'POST', path, body, done });
  return {
    'first request of a session': () => ({
      method: 'GET',
      path: '/api/auth/profile',
      headers: bearer(next(sessions)),
    }),
    refresh: () => {
      const session = waiting.shift();
      return post('/api/auth/refresh', { refresh_token: refreshToken(session) }, () => {
        session.generation += 1;
        waiting.push(session);
      });
    },
    'login without hashing': () => post('/api/auth/login', { email: next(emails), password: PASSWORD }),
    'register without hashing': () =>
      post('/api/auth/register', { email: `new-${randomUUID()}@example.org`, password: PASSWORD }),
    'task list': () => {
      const session = next(sessions);
      return { method: 'GET', path: `/api/users/${session.userId}/tasks`, headers: bearer(session) };
    },
    'reset-request': () => post('/api/auth/reset-request', { email: next(emails) }),
  };
}

function refreshToken({ id, generation }) {
  return refreshTokens.encodeRefresh({ sessionId: id, generation, secret: SECRET });
}

function accessToken({ id, userId, email }) {
  const iat = Math.floor(Date.now() / 1000);
  const { PUBLIC_URL: iss } = PRODUCTION;
  const claims = {
    iss,
    aud: iss,
    sub: userId,
    email,
    sid: id,
    jti: `${randomUUID()}.0`,
    iat,
    exp: iat + 600,
  };
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const content = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${encode(claims)}`;
  return `${content}.${createHmac('sha256', PRODUCTION.JWT_SECRET).update(content).digest('base64url')}`;
}
