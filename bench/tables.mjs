// What a full run measures, table by table. A scenario stands in the table whose rounds suit it.
import { BCRYPT, FASTIFY, JOSE, LIMITS, LOOKUP, NEST } from './limits.mjs';
import * as connections from './scenarios/connections.mjs';
import * as login from './scenarios/login.mjs';
import * as loginFlood from './scenarios/login-flood.mjs';
import * as logout from './scenarios/logout.mjs';
import * as profile from './scenarios/profile.mjs';
import * as refresh from './scenarios/refresh.mjs';
import * as register from './scenarios/register.mjs';
import * as replicas from './scenarios/replicas.mjs';
import * as resetRequest from './scenarios/reset-request.mjs';
import * as sessions from './scenarios/sessions.mjs';
import * as start from './scenarios/start.mjs';
import * as tasks from './scenarios/tasks.mjs';
import * as withoutHashing from './scenarios/without-hashing.mjs';

const DIVISORS = [
  { ...FASTIFY, short: 'Fastify' },
  { ...NEST, short: 'Nest' },
  { ...JOSE, short: 'jose' },
  { ...LOOKUP, short: 'lookup' },
];

/** `seconds` is how long a line is loaded in a round. */
export const TABLES = [
  {
    name: 'requests',
    title: 'Requests',
    rounds: 9,
    seconds: 1,
    lines: LIMITS,
    limits: DIVISORS,
    scenarios: {
      profile,
      refresh,
      logout,
      'reset-request': resetRequest,
      tasks,
      'without-hashing': withoutHashing,
    },
  },
  {
    name: 'passwords',
    title: 'Passwords',
    rounds: 5,
    seconds: 5,
    lines: [BCRYPT],
    limits: [{ ...BCRYPT, short: 'bcrypt' }],
    scenarios: { login, register },
  },
  {
    name: 'flood',
    title: 'A flood of logins',
    rounds: 1,
    seconds: 20,
    scenarios: { 'login-flood': loginFlood },
  },
  {
    name: 'crowds',
    title: '1, 16 and 128 connections',
    rounds: 7,
    seconds: 1,
    scenarios: { connections },
  },
  {
    name: 'places',
    title: 'Replicas and Redis',
    // Ratios near one, of replicas in turn: the longer a turn, the less the change to it weighs.
    rounds: 12,
    // Of two processes of the same kind one may take a tenth more for as long as it runs.
    starts: 2,
    seconds: 3,
    limits: [{ ...NEST, short: 'Nest' }],
    scenarios: { replicas },
  },
  {
    name: 'revocation',
    title: 'The price of revocable sessions',
    rounds: 15,
    seconds: 1,
    limits: [{ ...NEST, short: 'Nest' }],
    scenarios: { sessions },
  },
  { name: 'starts', title: 'Starting', rounds: 15, seconds: 0, scenarios: { start } },
];

/** The tables that a run measures: all, or the one scenario that was asked for, beside its limits. */
export function chosenTables(only) {
  if (only === undefined) return TABLES;
  const chosen = TABLES.filter(({ name, scenarios }) => name === only || scenarios[only]).map((table) =>
    table.scenarios[only] ? { ...table, scenarios: { [only]: table.scenarios[only] } } : table,
  );
  if (chosen.length > 0) return chosen;
  const known = TABLES.flatMap(({ name, scenarios }) => [name, ...Object.keys(scenarios)]);
  throw new Error(`there is no ${only}; there are ${known.join(', ')}`);
}
