// Logging in is a password hash and little else. The little: without-hashing.mjs.
import { request, signUp } from '../better-auth.mjs';
import { BCRYPT } from '../limits.mjs';
import { inTurn, message } from '../messages.mjs';
import { PASSWORD } from '../people.mjs';
import { throughput } from '../targets.mjs';

/** Many: of one user no more than 100 sessions are kept, and ending the oldest would cost something too. */
const PEOPLE = 500;

export const logIn = async (world) => {
  const users = await (await world.people()).users(PEOPLE);
  return inTurn(
    users.map(({ email }) => message('POST', '/api/auth/login', { body: { email, password: PASSWORD } })),
    '"access_token":',
  );
};

const LOGIN = {
  name: 'login',
  server: 'gatehouse',
  peer: 'Better Auth sign-in',
  isSlow: true,
  mayRefuse: true,
  requests: logIn,
};

export const lines = [
  LOGIN,
  { ...LOGIN, name: 'login, 1 connection', connections: 1 },
  { ...LOGIN, name: 'login, 128 connections', connections: 128 },
  {
    name: 'Better Auth sign-in',
    server: 'better-auth',
    isSlow: true,
    async requests(world) {
      const people = await signUp(world, 'better-auth', 50);
      return inTurn(
        people.map(({ email, password }) => request('POST', '/sign-in/email', { body: { email, password } })),
        '"token":',
      );
    },
  },
];

export const targets = [throughput(LOGIN.name, BCRYPT.name, { atLeast: 0.95 })];

export const notes = [
  'Better Auth hashes with scrypt (N 16384, r 16): its sign-in and sign-up are beside ours for what a user waits for, not for the price of the same work.',
  'Of 128 connections more than wait for a password are refused with 503 and come back when `Retry-After` says; CPU is per login, refusals included.',
];
