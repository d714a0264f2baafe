// Ends a session on every replica. Each request needs a session of its own.
import { request, signUp } from '../better-auth.mjs';
import { bearer, eachOnce, message } from '../messages.mjs';

const PEOPLE = 500;

export const lines = [
  {
    name: 'logout',
    server: 'gatehouse',
    peer: 'Better Auth sign-out',
    async requests(world) {
      const people = await world.people();
      const users = await people.users(PEOPLE);
      const make = async (count) =>
        (await people.sessions('bearer', count, users)).map(({ accessToken }) =>
          message('POST', '/api/auth/logout', { headers: bearer(accessToken) }),
        );
      return eachOnce(make, '"message":');
    },
  },
  {
    name: 'Better Auth sign-out',
    server: 'better-auth',
    async requests(world) {
      const server = await world.server('better-auth');
      const [{ user }] = await signUp(world, 'better-auth', 1);
      const make = async (count) => {
        const { tokens } = await server.ask({ open: { count, userId: user.id } });
        return tokens.map((token) => request('POST', '/sign-out', { headers: bearer(token), body: {} }));
      };
      return eachOnce(make, '"success":true');
    },
  },
];

export const targets = [];
