// Whether a crowd costs more than one client. Logging in by 1 and by 128 stands with the passwords.
import { FASTIFY, NEST } from '../limits.mjs';
import { BY_BEARER, BY_COOKIE } from './profile.mjs';
import { REFRESH } from './refresh.mjs';
import { LIST } from './tasks.mjs';

const CONNECTIONS = [1, 16, 128];

export const lines = [FASTIFY, NEST, BY_BEARER, BY_COOKIE, REFRESH, LIST].flatMap((line) =>
  CONNECTIONS.map((connections) => ({
    ...line,
    name: `${line.name}, ${connections}`,
    connections,
    // The last of 128 may wait for a database connection longer than the service lets them.
    mayRefuse: true,
  })),
);

export const targets = [];
