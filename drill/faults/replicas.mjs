import { setTimeout as sleep } from 'node:timers/promises';
import {
  noErrors,
  noted,
  onlyErrors,
  errorsAtMost,
  slowestReadAtMost,
  medianAtMostAbove,
} from '../expectations.mjs';
import { USERS } from '../settings.mjs';

export default [
  {
    id: 'baseline',
    name: 'nothing',
    seconds: 10,
    expect: [noErrors],
  },
  {
    id: 'rolling-restart',
    name: 'both replicas restarted, one after the other (SIGTERM)',
    seconds: 0,
    async inflict({ replicas, notes }) {
      notes.exitCodes = [];
      notes.stopMs = [];
      for (const replica of replicas) {
        const askedAt = performance.now();
        notes.exitCodes.push(await replica.stop());
        notes.stopMs.push(Math.round(performance.now() - askedAt));
        await replica.start();
        // Until the proxy has noticed.
        await sleep(1_500);
      }
    },
    expect: [
      noErrors,
      noted('both exit with 0 within 15 s', ({ exitCodes, stopMs }) =>
        exitCodes.every((code, number) => code === 0 && stopMs[number] <= 15_000),
      ),
    ],
  },
  {
    id: 'replica-killed',
    name: 'a replica killed (SIGKILL), started again after 3 s',
    seconds: 3,
    async inflict({ replicas: [first] }) {
      await first.stop('SIGKILL');
    },
    async heal({ replicas: [first], notes }) {
      notes.bootMs = Math.round(await first.start());
    },
    // In flight, on one of two replicas. On a connection that it has used before, the proxy hangs up instead of saying 502.
    expect: [
      errorsAtMost(USERS),
      onlyErrors('502 by the proxy', 'ECONNRESET'),
      slowestReadAtMost(2_000),
      noted('ready within 5 s of its start', ({ bootMs }) => bootMs <= 5_000),
    ],
  },
];

/** A process warms up for longer than a short soak lasts. */
const TELLING_SECONDS = 300;

export const soak = (seconds) => ({
  id: 'soak',
  name: `mixed load for ${seconds} s`,
  seconds,
  async inflict({ replicas, notes }) {
    notes.memory = replicas.map(() => []);
    const startedAt = performance.now();
    while (performance.now() < startedAt + seconds * 1000) {
      await sleep(2_000);
      const at = (performance.now() - startedAt) / 1000;
      for (const [number, replica] of replicas.entries())
        notes.memory[number].push({ at, ...(await replica.memory()) });
    }
    notes.growth = notes.memory.map(growth);
  },
  expect: [
    noErrors,
    medianAtMostAbove(20),
    ...(seconds >= TELLING_SECONDS
      ? [
          noted(
            'from the second third to the last, the peak of memory and the least of the heap grow by at most 5 %',
            ({ growth }) => growth.every(({ rss, heap }) => rss <= 0.05 && heap <= 0.05),
          ),
        ]
      : []),
  ],
});

/**
 * As a share: of what the process holds when it holds most, and its heap when it holds least. Not on average: between two
 * collections of garbage the process grows and shrinks by a fifth.
 */
function growth(samples) {
  const third = Math.floor(samples.length / 3);
  const [second, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
  const least = (part) => Math.min(...part.map(({ heap }) => heap));
  const most = (part) => Math.max(...part.map(({ rss }) => rss));
  return { rss: most(last) / most(second) - 1, heap: least(last) / least(second) - 1 };
}
