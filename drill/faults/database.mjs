import { setTimeout as sleep } from 'node:timers/promises';
import { ROLE } from '../neighbours/postgres.mjs';
import {
  errorsAtMost,
  errorsOnlyOf,
  goodWithin,
  liveThroughout,
  noErrors,
  noErrorsLaterThan,
  noErrorsOf,
  noted,
  notReadyWithin,
  onlyErrors,
  refusedWithin,
  wellFormed,
} from '../expectations.mjs';

const TERMINATE = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${ROLE}'`;
/** A statement is given up after 5 s by the server and after 6 s by us; then its connection, and connecting takes 2 s. */
const SILENCE_MS = 6_500;
const outage = [onlyErrors('503 unavailable', '503 overloaded'), wellFormed, liveThroughout];

/** @param outageSeconds how long PostgreSQL is away in the first of them */
export const database = (outageSeconds) => [
  {
    id: 'database-stopped',
    name: `PostgreSQL stopped at once for ${outageSeconds} s`,
    seconds: outageSeconds,
    async inflict({ wire, postgres }) {
      wire.refuse();
      await postgres.stop('SIGQUIT');
    },
    async heal({ wire, postgres }) {
      await postgres.start();
      await wire.accept();
    },
    expect: [
      ...outage,
      refusedWithin(2_000),
      notReadyWithin(5_000),
      goodWithin(2_000),
      noErrorsLaterThan(2_500),
    ],
  },
  {
    id: 'database-killed',
    name: 'PostgreSQL killed (SIGKILL), started again at once',
    seconds: 0,
    async inflict({ wire, postgres }) {
      wire.refuse();
      await postgres.stop('SIGKILL');
      await postgres.start();
      await wire.accept();
    },
    expect: [...outage, refusedWithin(2_000), goodWithin(2_000), noErrorsLaterThan(2_500)],
  },
  {
    id: 'connections-terminated',
    name: 'pg_terminate_backend on all, ten times in 10 s',
    seconds: 10,
    async inflict({ postgres }) {
      for (let times = 0; times < 10; times++) {
        await postgres.query(TERMINATE);
        await sleep(950);
      }
    },
    // In flight at those moments: one on each replica, each time.
    expect: [...outage, errorsAtMost(20), refusedWithin(2_000), noErrorsLaterThan(1_000)],
  },
  {
    id: 'database-silent',
    name: 'the network to PostgreSQL swallows everything for 10 s; connections of before never come back',
    seconds: 10,
    inflict: ({ wire }) => wire.silence(),
    heal: ({ wire }) => wire.speak(),
    afterwards: ({ wire }) => wire.bury(),
    expect: [
      ...outage,
      refusedWithin(SILENCE_MS),
      refusedWithin(3_000, { afterMs: SILENCE_MS }),
      notReadyWithin(5_000),
      goodWithin(2_000),
      noErrorsLaterThan(3_000),
    ],
  },
  {
    id: 'row-locked',
    name: "one user's row locked for 6 s",
    seconds: 6,
    async inflict(world) {
      const { load, postgres } = world;
      world.holder = await postgres.connect();
      await world.holder.query('BEGIN');
      await world.holder.query(`SELECT 1 FROM users WHERE email = '${load.idler.email}' FOR UPDATE`);
      await load.act(load.idler, 'rename');
    },
    heal: ({ holder }) => holder.end(),
    expect: [
      ...outage,
      errorsOnlyOf('whoever writes that row', ({ load }) => load.idler.email),
      refusedWithin(2_500),
    ],
  },
  {
    id: 'table-locked',
    name: 'the table of users locked for 6 s',
    seconds: 6,
    async inflict(world) {
      world.holder = await world.postgres.connect();
      await world.holder.query('BEGIN');
      await world.holder.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    },
    heal: ({ holder }) => holder.end(),
    expect: [...outage, refusedWithin(4_500), goodWithin(1_000), noErrorsLaterThan(1_000)],
  },
  {
    id: 'database-slow',
    name: 'every answer of PostgreSQL 50 ms later',
    seconds: 8,
    inflict: ({ wire }) => void (wire.delayMs = 50),
    heal: ({ wire }) => void (wire.delayMs = 0),
    expect: [noErrors, liveThroughout],
  },
  {
    id: 'pool-exhausted',
    name: 'every answer of PostgreSQL 1 s later: the pool is exhausted',
    seconds: 10,
    inflict: ({ wire }) => void (wire.delayMs = 1_000),
    heal: ({ wire }) => void (wire.delayMs = 0),
    expect: [...outage, goodWithin(1_000), noErrorsLaterThan(2_000)],
  },
  {
    id: 'no-connections',
    name: 'PostgreSQL takes no connection of the service for 6 s (53300)',
    seconds: 6,
    async inflict({ postgres }) {
      await postgres.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT 0`);
      await postgres.query(TERMINATE);
    },
    heal: ({ postgres }) => postgres.query(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`),
    expect: [...outage, refusedWithin(2_000), goodWithin(2_000), noErrorsLaterThan(2_500)],
  },
  {
    id: 'read-only',
    name: 'the database is read-only for 6 s',
    seconds: 6,
    async inflict({ postgres }) {
      // Sessions that were used a minute ago or more: their next use is worth a note. Replicas that hear nothing forget
      // what they know of them.
      await postgres.query(`UPDATE sessions SET last_used_at = now() - interval '2 minutes'`);
      await postgres.query(`${TERMINATE} AND application_name = 'gatehouse listener'`);
      await postgres.setGlobally('SET default_transaction_read_only = on');
    },
    heal: ({ postgres }) => postgres.setGlobally('RESET default_transaction_read_only'),
    async check({ postgres, notes }) {
      const halves = await postgres.query(
        `SELECT count(*)::int AS number FROM users WHERE email LIKE 'newcomer-%' AND id NOT IN (
           SELECT user_id FROM audit_events WHERE action = 'account.registered' AND user_id IS NOT NULL)`,
      );
      notes.halfUsers = halves[0].number;
    },
    expect: [
      ...outage,
      noErrorsOf('read'),
      goodWithin(1_000),
      noErrorsLaterThan(1_000),
      noted('no user is half written', ({ halfUsers }) => halfUsers === 0),
    ],
  },
];
