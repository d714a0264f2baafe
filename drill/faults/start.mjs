import { noErrors, noted } from '../expectations.mjs';
import { freePort, until } from '../neighbours/processes.mjs';
import { Wire } from '../neighbours/wire.mjs';

/** Between two tries of a start that waits, at most; then it still has to start. */
const LATEST_MS = 5_000 + 5_000;

export default [
  {
    id: 'start-without-database',
    name: 'a third replica started 8 s before its database',
    seconds: 8,
    async inflict(world) {
      const { postgres, notes } = world;
      const wire = await Wire.to(postgres.port);
      wire.refuse();
      const [waiting, lost] = await Promise.all(['waiting', 'lost'].map((name) => world.further(name)));
      world.latecomer = { wire, waiting, lost };
      waiting.launch({ DATABASE_URL: postgres.url(wire.port) });
      // A name that does not resolve is as good as a database that is not there yet.
      lost.launch({ DATABASE_URL: 'postgres://service@db.gatehouse.invalid/gatehouse' });
      await Promise.all(
        [waiting, lost].map((replica) => until('a live replica', () => replica.isLive(), 30_000)),
      );
      notes.probes = await Promise.all(
        [waiting, lost].flatMap((replica) =>
          ['/health/live', '/health/ready', '/api/auth/profile'].map((path) =>
            replica.get(path).then(
              ({ status }) => status,
              () => 0,
            ),
          ),
        ),
      );
    },
    async heal({ latecomer: { wire, waiting, lost }, notes }) {
      await wire.accept();
      const since = performance.now();
      await waiting.ready();
      notes.readyMs = Math.round(performance.now() - since);
      notes.exitCodes = [await waiting.stop(), await lost.stop()];
      wire.refuse();
    },
    expect: [
      noErrors,
      noted(
        'meanwhile live says 200, ready and the rest 503',
        ({ probes }) => probes.join() === '200,503,503,200,503,503',
      ),
      noted('ready within 10 s of its return', ({ readyMs }) => readyMs <= LATEST_MS),
    ],
  },
  {
    id: 'start-with-wrong-settings',
    name: 'a third replica started with wrong settings',
    seconds: 0,
    async inflict(world) {
      const { notes } = world;
      const wrong = await world.further('wrong');
      wrong.isExpectedToRun = false;
      wrong.launch({ JWT_SECRET: 'too-short', PORT: String(await freePort()) });
      const since = performance.now();
      await until('its end', () => !wrong.isRunning, 20_000);
      notes.exitCode = wrong.child.exitCode;
      notes.endMs = Math.round(performance.now() - since);
    },
    expect: [
      noErrors,
      noted('exits with 78 within 5 s', ({ exitCode, endMs }) => exitCode === 78 && endMs <= 5_000),
    ],
  },
];
