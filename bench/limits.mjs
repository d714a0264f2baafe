// What no server on the same parts can go below. They stand beside every scenario.
import { bearer, inTurn, message } from './messages.mjs';

const PEOPLE = 50;

export const FASTIFY = {
  name: 'bare Fastify',
  server: 'fastify',
  requests: () => inTurn([message('GET', '/public')], 'csrfToken'),
};
export const NEST = {
  name: 'bare Nest on Fastify',
  server: 'nest',
  requests: () => inTurn([message('GET', '/public')], 'csrfToken'),
};
export const JOSE = {
  name: 'Fastify + jose',
  server: 'jose',
  async requests(world) {
    const people = await world.people();
    const sessions = await people.sessions('bearer', PEOPLE, await people.users(PEOPLE));
    return inTurn(
      sessions.map(({ accessToken }) => message('GET', '/verified', { headers: bearer(accessToken) })),
      '"email":',
    );
  },
};
export const LOOKUP = {
  name: 'Fastify + one prepared lookup',
  server: 'lookup',
  async requests(world) {
    const users = await (await world.people()).users(PEOPLE);
    return inTurn(
      users.map(({ id }) => message('GET', `/users/${id}`)),
      '"email":',
    );
  },
};
export const BCRYPT = {
  name: 'raw bcrypt',
  server: 'bcrypt',
  isSlow: true,
  requests: () => inTurn([message('POST', '/verify')], '"isRight":true'),
};

export const LIMITS = [FASTIFY, NEST, JOSE, LOOKUP];
