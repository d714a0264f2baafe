import { setTimeout as sleep } from 'node:timers/promises';
import { ALWAYS, copiesAtMost } from './expectations.mjs';
import { reckon } from './oracle/reckoning.mjs';
import { LEAD_IN_MS, TAIL_MS } from './settings.mjs';

const LETTERS_WITHIN_MS = 30_000;

/** Inflicts one fault on the running whole and returns its row. */
export async function measure(fault, world, baseline) {
  const { load, watch, ledger, replicas } = world;
  const notes = (world.notes = {});
  const startedAt = performance.now();
  load.start();
  watch.start();
  await sleep(LEAD_IN_MS);
  const inflictedAt = performance.now();
  await fault.inflict?.(world);
  await sleep(Math.max(0, inflictedAt + fault.seconds * 1000 - performance.now()));
  await fault.heal?.(world);
  const healedAt = performance.now();
  await sleep(TAIL_MS);
  await load.stop();
  await watch.stop();
  const clients = world.clients.filter((_, number) => replicas[number].isRunning);
  const { lettersWithinMs = LETTERS_WITHIN_MS, mayBeLost } = fault;
  const letters = await reckon({ ...world, clients }, { lettersWithinMs, mayBeLost });
  await fault.check?.(world);
  await fault.afterwards?.(world);
  const row = {
    fault,
    world,
    notes,
    baseline,
    healedAt,
    letters,
    ...figures(load, { startedAt, inflictedAt, healedAt }),
    inflictedAt,
    probes: watch.probes,
    notReadyMs: notReadyMs(watch.probes, inflictedAt),
    surprises: take(replicas, 'surprises'),
    broken: ledger.broken.splice(0),
    lateEndingsMs: ledger.lateEndingsMs.splice(0),
  };
  row.missed = [...ALWAYS, ...(fault.copies ? [] : [copiesAtMost(0)]), ...(fault.expect ?? [])].filter(
    ({ holds }) => !holds(row),
  );
  return row;
}

function figures({ answers, beats }, { startedAt, healedAt }) {
  const errors = answers
    .filter(({ isGood }) => !isGood)
    .map((answer) => ({ ...answer, key: `${answer.status || ''} ${answer.code ?? ''}`.trim() }));
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const good = beats.filter(({ isGood }) => isGood).map(({ at }) => at);
  good.sort((a, b) => a - b);
  const gaps = good.map((at, number) => at - (good[number - 1] ?? startedAt));
  const afterwards = answers.filter(({ isGood, at }) => isGood && at >= healedAt).map(({ at }) => at);
  return {
    answers,
    requests: answers.length,
    errors,
    slowest: answers.reduce((slowest, answer) => (answer.ms > slowest.ms ? answer : slowest), { ms: 0 }),
    slowestMs: times.at(-1) ?? 0,
    medianMs: times[Math.floor(times.length / 2)] ?? 0,
    longestGapMs: Math.max(0, ...gaps),
    firstGoodMs: Math.min(Infinity, ...afterwards) - healedAt,
  };
}

/** Until the last replica had said that it is not ready. */
function notReadyMs(probes, inflictedAt) {
  const names = [...new Set(probes.map(({ replica }) => replica))];
  const firsts = names.map((name) =>
    probes.find(
      ({ replica, path, status, at }) =>
        replica === name && path === '/health/ready' && status === 503 && at > inflictedAt,
    ),
  );
  return Math.max(...firsts.map((first) => (first?.at ?? Infinity) - inflictedAt));
}

function take(replicas, counter) {
  let sum = 0;
  for (const replica of replicas) {
    sum += replica[counter];
    replica[counter] = 0;
  }
  return sum;
}
