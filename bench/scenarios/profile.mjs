// What every page and every call of a client costs: who is asking?
import { request, signUp } from '../better-auth.mjs';
import { NEST } from '../limits.mjs';
import { bearer, eachOnce, inTurn, message } from '../messages.mjs';
import { ratio } from '../targets.mjs';

const SESSIONS = 50;
const PROFILE = '"emailVerified":true';
const SESSION = '"session":.*"email":';

const withToken = ({ accessToken }) => message('GET', '/api/auth/profile', { headers: bearer(accessToken) });
const withCookie = ({ token }) =>
  message('GET', '/api/auth/profile', { headers: { Cookie: `__Host-session=${token}` } });

export const BY_BEARER = {
  name: 'profile by bearer',
  server: 'gatehouse',
  peer: 'Better Auth get-session by bearer',
  async requests(world) {
    const people = await world.people();
    const sessions = await people.sessions('bearer', SESSIONS, await people.users(SESSIONS));
    return inTurn(sessions.map(withToken), PROFILE);
  },
};
export const BY_COOKIE = {
  name: 'profile by cookie',
  server: 'gatehouse',
  peer: 'Better Auth get-session by cookie',
  async requests(world) {
    const people = await world.people();
    const sessions = await people.sessions('cookie', SESSIONS, await people.users(SESSIONS));
    return inTurn(sessions.map(withCookie), PROFILE);
  },
};
/** The server has not seen the session before, but knows the account. */
const FIRST = {
  name: 'first request of a session',
  server: 'gatehouse',
  peer: 'Better Auth get-session by bearer',
  async requests(world) {
    const people = await world.people();
    const users = await people.users(SESSIONS * 10);
    return eachOnce(async (count) => (await people.sessions('bearer', count, users)).map(withToken), PROFILE);
  },
};

const getSession = (name, server, headersOf) => ({
  name,
  server,
  async requests(world) {
    const people = await signUp(world, server, SESSIONS);
    return inTurn(
      people.map((person) => request('GET', '/get-session', { headers: headersOf(person) })),
      SESSION,
    );
  },
});

export const lines = [
  BY_BEARER,
  BY_COOKIE,
  FIRST,
  getSession('Better Auth get-session by bearer', 'better-auth', ({ token }) => bearer(token)),
  getSession('Better Auth get-session by cookie', 'better-auth', ({ cookie }) => ({ Cookie: cookie })),
  getSession('Better Auth get-session by cookie with its cache', 'better-auth cached', ({ cookie }) => ({
    Cookie: cookie,
  })),
];

export const targets = [BY_BEARER, BY_COOKIE].flatMap(({ name, peer }) => [
  ratio(name, NEST.name, { atMost: 3 }),
  ratio(name, peer, { atMost: 1 / 8 }),
]);
