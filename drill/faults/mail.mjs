import {
  copiesAtMost,
  medianAtMostAbove,
  noErrors,
  noted,
  onlyErrors,
  errorsAtMost,
} from '../expectations.mjs';
import { USERS } from '../settings.mjs';

/** In all of these nobody who asks for something notices. */
const unnoticed = [noErrors, medianAtMostAbove(20)];
/** Registrations on top of the load's own, for letters in numbers. */
const MANY = 8;
const POISON = 'poison';

export default [
  {
    id: 'mail-down',
    name: 'the mail server down for 20 s',
    seconds: 20,
    async inflict({ mail, load }) {
      mail.close();
      await load.registerMany(MANY);
    },
    heal: ({ mail }) => mail.listen(),
    expect: unnoticed,
  },
  {
    id: 'mail-deferred',
    name: 'the mail server says 451 to every letter for 6 s',
    seconds: 6,
    async inflict({ mail, load }) {
      mail.behaviour = (moment) => (moment === 'letter' ? '451 4.3.0 later' : undefined);
      await load.registerMany(MANY);
    },
    heal: ({ mail }) => mail.friendly(),
    expect: unnoticed,
  },
  {
    id: 'mail-poison',
    name: 'the mail server says 550 to two recipients, for good',
    seconds: 4,
    async inflict({ mail, load, replicas, notes }) {
      mail.behaviour = (moment, recipient) =>
        moment === 'recipient' && recipient.startsWith(POISON) ? '550 5.1.1 no such user' : undefined;
      notes.linesBefore = lines(replicas, 'mail.parked');
      await load.registerMany(2, POISON);
      await load.registerMany(MANY);
    },
    mayBeLost: (key) => key.startsWith(POISON),
    async check({ postgres, notes, mail, replicas }) {
      const [{ number }] = await postgres.query(
        "SELECT count(*)::int AS number FROM pgboss.job WHERE name = 'mail-parked'",
      );
      notes.parked = number;
      notes.lines = lines(replicas, 'mail.parked') - notes.linesBefore;
      mail.friendly();
    },
    expect: [
      ...unnoticed,
      noted(
        'both are parked, with a line in the log, and tried once',
        ({ parked, lines }) => parked === 2 && lines === 2,
      ),
    ],
  },
  {
    id: 'mail-hangs',
    name: 'the mail server falls silent for 12 s',
    seconds: 12,
    async inflict({ mail, load }) {
      mail.behaviour = () => 'hang';
      await load.registerMany(MANY);
    },
    heal: ({ mail }) => mail.friendly(),
    lettersWithinMs: 60_000,
    // Letters that were under way when it fell silent may have been taken.
    copies: true,
    expect: [...unnoticed, copiesAtMost(10)],
  },
  {
    id: 'mail-drops',
    name: 'the mail server drops three letters after DATA, before its 250',
    seconds: 4,
    async inflict({ mail, load }) {
      let left = 3;
      mail.behaviour = (moment) => (moment === 'letter' && left-- > 0 ? 'drop' : undefined);
      await load.registerMany(MANY);
    },
    heal: ({ mail }) => mail.friendly(),
    copies: true,
    expect: [...unnoticed, copiesAtMost(3)],
  },
  {
    id: 'mail-orphaned',
    name: 'a replica killed between commit and letter, for good: the other one takes over',
    seconds: 3,
    async inflict({ mail, load, replicas: [first] }) {
      mail.behaviour = (moment) => (moment === 'greeting' ? 'hang' : undefined);
      await load.registerMany(MANY);
      await first.stop('SIGKILL');
    },
    heal: ({ mail }) => mail.friendly(),
    lettersWithinMs: 75_000,
    afterwards: ({ replicas: [first] }) => first.start(),
    expect: [errorsAtMost(USERS), onlyErrors('502 by the proxy', 'ECONNRESET'), copiesAtMost(0)],
  },
  {
    id: 'mail-unresolvable',
    name: 'the name of the mail server does not resolve for 10 s',
    seconds: 10,
    async inflict({ replicas, load }) {
      for (const replica of replicas)
        await restart(replica, { SMTP_URL: 'smtp://mail.gatehouse.invalid:587' });
      await load.registerMany(MANY);
    },
    async heal({ replicas }) {
      for (const replica of replicas) await restart(replica);
    },
    lettersWithinMs: 45_000,
    expect: unnoticed,
  },
];

async function restart(replica, changes) {
  await replica.stop();
  await replica.start(changes);
}

function lines(replicas, event) {
  return replicas.reduce((sum, replica) => sum + replica.events(event).length, 0);
}
