/**
 * What a row of the drill must show: `says` for the reader, `holds` for the verdict, `found` for a verdict that is not met.
 * A row is what `measure.mjs` makes.
 */

const expectation = (says, holds, found) => ({ says, holds, found });

export const noErrors = expectation(
  'no request fails',
  ({ errors }) => errors.length === 0,
  ({ errors }) => `${errors.length} failed`,
);

export const noErrorsOf = (action) =>
  expectation(
    `no ${action} fails`,
    ({ errors }) => !errors.some((error) => error.action === action),
    ({ errors }) => `${errors.filter((error) => error.action === action).length} failed`,
  );

export const errorsAtMost = (most) =>
  expectation(
    `at most ${most} requests fail`,
    ({ errors }) => errors.length <= most,
    ({ errors }) => `${errors.length} failed`,
  );

/** Nobody else feels it. */
export const errorsOnlyOf = (who, emailOf) =>
  expectation(
    `only ${who} is refused`,
    ({ errors, world }) => errors.every(({ email }) => email === emailOf(world)),
    ({ errors, world }) => `${errors.filter(({ email }) => email !== emailOf(world)).length} others failed`,
  );

export const onlyErrors = (...keys) =>
  expectation(
    `what fails is answered ${keys.join(' or ')}`,
    ({ errors }) => errors.every(({ key }) => keys.includes(key)),
    ({ errors }) =>
      [...new Set(errors.map(({ key }) => key).filter((key) => !keys.includes(key)))].join(', '),
  );

/** The service's own words, with a time to come back. */
export const wellFormed = expectation(
  'each 503 is a problem document with Retry-After',
  ({ errors }) => errors.every(({ status, isWellFormed }) => status !== 503 || isWellFormed),
  ({ errors }) =>
    `${errors.filter(({ status, isWellFormed }) => status === 503 && !isWellFormed).length} are not`,
);

/** Nobody waits long for a no. */
export const refusedWithin = (ms, { afterMs = -Infinity } = {}) => {
  const slowest = ({ errors, inflictedAt }) =>
    Math.max(0, ...errors.filter(({ startedAt }) => startedAt >= inflictedAt + afterMs).map(({ ms }) => ms));
  const whose = Number.isFinite(afterMs)
    ? ` that was sent ${seconds(afterMs)} after its beginning or later`
    : '';
  return expectation(
    `a request that fails${whose} fails within ${seconds(ms)}`,
    (row) => slowest(row) <= ms,
    (row) => seconds(slowest(row)),
  );
};

/** Reads alone: what hashes a password takes its time and its turn. */
export const slowestReadAtMost = (ms) => {
  const slowest = ({ answers }) =>
    Math.max(0, ...answers.filter(({ action }) => action === 'read').map(({ ms }) => ms));
  return expectation(
    `the slowest read takes at most ${seconds(ms)}`,
    (row) => slowest(row) <= ms,
    (row) => seconds(slowest(row)),
  );
};

/** From the first moment the neighbour is back. */
export const goodWithin = (ms) =>
  expectation(
    `a good answer within ${seconds(ms)} of its return`,
    ({ firstGoodMs }) => firstGoodMs <= ms,
    ({ firstGoodMs }) => seconds(firstGoodMs),
  );

export const noErrorsLaterThan = (ms) =>
  expectation(
    `no request fails that is sent ${seconds(ms)} after its return`,
    ({ errors, healedAt }) => !errors.some(({ startedAt }) => startedAt > healedAt + ms),
    ({ errors, healedAt }) => `${errors.filter(({ startedAt }) => startedAt > healedAt + ms).length} failed`,
  );

export const liveThroughout = expectation(
  'live says 200 throughout',
  ({ probes }) => probes.every(({ path, status }) => path !== '/health/live' || status === 200),
  ({ probes }) =>
    `${probes.filter(({ path, status }) => path === '/health/live' && status !== 200).length} times not`,
);

export const notReadyWithin = (ms) =>
  expectation(
    `ready says 503 within ${seconds(ms)}`,
    ({ notReadyMs }) => notReadyMs <= ms,
    ({ notReadyMs }) => seconds(notReadyMs),
  );

export const readyThroughout = expectation(
  'ready says 200 throughout',
  ({ probes }) => probes.every(({ path, status }) => path !== '/health/ready' || status === 200),
  ({ probes }) =>
    `${probes.filter(({ path, status }) => path === '/health/ready' && status !== 200).length} times not`,
);

/** The median hardly knows what else the machine does meanwhile. */
export const medianAtMostAbove = (ms) =>
  expectation(
    `the median answer takes at most ${ms} ms longer than without a fault`,
    ({ medianMs, baseline }) => !baseline || medianMs <= baseline.medianMs + ms,
    ({ medianMs, baseline }) => `${Math.round(medianMs)} ms, before ${Math.round(baseline.medianMs)} ms`,
  );

export const copiesAtMost = (most) =>
  expectation(
    most === 0
      ? 'no letter comes twice'
      : `at most ${most} letters come twice, each with its first Message-ID`,
    ({ letters }) => letters.copies <= most,
    ({ letters }) => `${letters.copies} did`,
  );

/** What the fault itself has looked at. */
export const noted = (says, holds) =>
  expectation(
    says,
    ({ notes }) => holds(notes),
    // Not the samples of a soak.
    ({ notes }) => JSON.stringify({ ...notes, memory: undefined }),
  );

/** In every row. */
export const ALWAYS = [
  expectation(
    'no promise is broken',
    ({ broken }) => broken.length === 0,
    ({ broken }) => `${broken.length} are`,
  ),
  expectation(
    'no process ends by itself',
    ({ surprises }) => surprises === 0,
    ({ surprises }) => `${surprises} did`,
  ),
];

export function seconds(ms) {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(ms < 10_000 && ms % 1000 ? 1 : 0)} s` : 'never';
}
