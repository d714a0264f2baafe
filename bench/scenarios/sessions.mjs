// What it costs that a session can be ended at once. The same process with the check taken out is the reference.
import { FASTIFY, NEST } from '../limits.mjs';
import { bearer, inTurn, message } from '../messages.mjs';
import { ratio } from '../targets.mjs';

const SESSIONS = 50;

const read = (path) => async (world) => {
  const people = await world.people();
  const sessions = await people.sessions('bearer', SESSIONS, await people.users(SESSIONS));
  return inTurn(sessions.map(({ accessToken }) => message('GET', path, { headers: bearer(accessToken) })));
};
const CSRF = { server: 'gatehouse', requests: read('/api/auth/csrf') };
const PROFILE = { server: 'gatehouse', requests: read('/api/auth/profile') };

export const lines = [
  FASTIFY,
  NEST,
  { name: '+ @nestjs/passport, passport-jwt', server: 'nest', requests: read('/authenticated') },
  { name: 'csrf, no session check', ...CSRF, without: 'sessions' },
  { name: 'csrf, session cache', ...CSRF },
  { name: 'csrf, session by query', ...CSRF, without: 'cache' },
  { name: 'profile, no session check', ...PROFILE, without: 'sessions' },
  { name: 'profile, session cache', ...PROFILE },
  { name: 'profile, session by query', ...PROFILE, without: 'cache' },
];

export const targets = [
  ratio('csrf, session cache', 'csrf, no session check', { atMost: 1.1 }),
  ratio('profile, session cache', 'profile, no session check', { atMost: 1.1 }),
];
