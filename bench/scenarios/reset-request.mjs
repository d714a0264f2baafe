// Asking for a new password, and the letter about it: the time until it has left is part of the figures of CPU.
import { request, signUp } from '../better-auth.mjs';
import { inTurn, message } from '../messages.mjs';

const PEOPLE = 200;

export const lines = [
  {
    name: 'reset-request, with its letter',
    server: 'gatehouse',
    peer: 'Better Auth request-password-reset',
    sendsMail: true,
    async requests(world) {
      const users = await (await world.people()).users(PEOPLE);
      return inTurn(
        users.map(({ email }) => message('POST', '/api/auth/reset-request', { body: { email } })),
        '"message":',
      );
    },
  },
  {
    name: 'Better Auth request-password-reset',
    server: 'better-auth',
    async requests(world) {
      const people = await signUp(world, 'better-auth', 20);
      return inTurn(
        people.map(({ email }) => request('POST', '/request-password-reset', { body: { email } })),
        '"status":true',
      );
    },
  },
];

export const targets = [];

export const notes = [
  'Better Auth leaves sending letters to the application: its request-password-reset sends none, ours is with one.',
];
