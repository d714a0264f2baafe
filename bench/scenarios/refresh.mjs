import { NEST } from '../limits.mjs';
import { conversations, message } from '../messages.mjs';
import { ratio } from '../targets.mjs';

/**
 * Milliseconds of CPU in another run on a machine of this kind: brocoders' boilerplate for a refresh, its server and
 * PostgreSQL, and bare Nest on Fastify beside it. Only what is measured against the latter can be compared.
 */
const BROCODERS = { server: 2.67, postgres: 2.56, nest: 0.05 };
const PART = 1 / 3;

/** Each connection has a session of its own; the token of an answer is in the next request. */
export const REFRESH = {
  name: 'refresh',
  server: 'gatehouse',
  async requests(world) {
    const people = await world.people();
    const make = async (count) => {
      const sessions = await people.sessions('bearer', count, await people.users(count));
      return sessions.map(({ token }) =>
        message('POST', '/api/auth/refresh', { body: { refresh_token: token } }),
      );
    };
    return conversations(make, '"refresh_token":"[^"]+"', '"access_token":');
  },
};

export const lines = [REFRESH];

export const targets = [
  ratio(REFRESH.name, NEST.name, { atMost: (BROCODERS.server / BROCODERS.nest) * PART }),
  {
    says: `CPU: PostgreSQL for a ${REFRESH.name} / ${NEST.name}`,
    lines: [REFRESH.name, NEST.name],
    value: (round) => round[REFRESH.name].postgres / round[NEST.name].cpu,
    atMost: (BROCODERS.postgres / BROCODERS.nest) * PART,
  },
];

export const notes = [
  "brocoders' figures are another run's (2.67 ms and 2.56 ms for a refresh where bare Nest took 0.05 ms): compared by the ratio to bare Nest.",
];
