import { cpus, loadavg } from 'node:os';
import { markdown } from '../markdown.mjs';
import { median, spread } from '../statistics.mjs';
import { SHARED_BUFFERS } from './postgres.mjs';

/** How much more a request may cost with a full database. */
const MOST_RATIO = 1.1;
const MOST_LOCK_MS = 100;

export function report({ sizes, lines, cleaners, given, version, hugePages, users }) {
  const parts = [preamble(given, version, hugePages, users, loadavg()[2]), tableOfSizes(sizes)];
  if (lines) parts.push(tableOfLines(lines, given));
  if (cleaners) parts.push(tableOfCleaners(cleaners, given));
  return `${parts.join('\n\n')}\n`;
}

function preamble({ scale }, version, hugePages, users, load) {
  const [{ model }] = cpus();
  return [
    '# Growth',
    `\`node bench/growth.mjs${scale === '1' ? '' : ` --scale ${scale}`} --write\`, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} × ${model.trim()}; Node ${process.versions.node}; PostgreSQL ${version} with ${SHARED_BUFFERS} MB of
shared buffers, huge pages ${hugePages}; load of the machine at the end ${load.toFixed(1)} (its own is about 1.5; what is above spoils delays, and CPU time a little). See
[growth/README.md](growth/README.md) for how it is measured.`,
    '## What it holds',
    `Full: ${count(users.full)} users. Empty: ${users.empty} users with as much for each of them.`,
  ].join('\n\n');
}

function tableOfSizes(sizes) {
  const rows = sizes.map(({ table, rows, heap, indexes }) => [
    table,
    count(rows),
    heap.toFixed(0),
    indexes.toFixed(0),
  ]);
  return markdown(['table', 'rows', 'MB of rows', 'MB of indexes'], rows);
}

function tableOfLines(lines, { rounds, seconds }) {
  const rows = Object.entries(lines).map(([title, taken]) => {
    const of = (side, part) => median(taken.map((round) => round[side][part]));
    const pair = (part) => `${of('empty', part).toFixed(3)} → ${of('full', part).toFixed(3)}`;
    const both = ({ server, postgres }) => server + postgres;
    // Within a round: what disturbs the machine disturbs both.
    const ratios = (cost) => taken.map(({ full, empty }) => cost(full) / cost(empty));
    const isMet = median(ratios(both)) <= MOST_RATIO;
    return [
      title,
      pair('server'),
      pair('postgres'),
      median(ratios(({ server }) => server)).toFixed(2),
      median(ratios(({ postgres }) => postgres)).toFixed(2),
      spread(ratios(both), 2),
      isMet ? 'met' : '**missed**',
    ];
  });
  return [
    '## What a request costs',
    `Milliseconds of CPU per request, empty → full; medians of ${rounds} rounds of ${seconds} s a line and database, 16 connections. Ratios are
full to empty within each round, in brackets the middle half; the promise is at most ${MOST_RATIO.toFixed(2)} for both together.`,
    markdown(['', 'server', 'PostgreSQL', 'ratio server', 'ratio PostgreSQL', 'both', 'promise'], rows),
  ].join('\n\n');
}

function tableOfCleaners(cleaners, { most }) {
  const rows = cleaners.map((one) => [
    one.name,
    one.rows > 0 ? count(one.rows) : '',
    one.rows > 0 ? count(one.rows / one.seconds) : '',
    `${one.seconds.toFixed(1)}${one.isFinished ? '' : ', not done'}`,
    one.longestHeld.toFixed(0),
    one.longestWait.toFixed(0),
    `${one.longestProbe.toFixed(0)} of ${count(one.probes)}`,
    Math.max(one.longestHeld, one.longestWait) <= MOST_LOCK_MS ? 'met' : '**missed**',
  ]);
  return [
    '## Cleaners',
    `Each for at most ${most} s while others log in, refresh and write to the very rows that are next. In milliseconds: the longest that a
transaction of the cleaner held locks, the longest that anybody was seen to wait for a lock (both looked for every 5 ms), and the longest
that a write of the others took for whatever reason. The promise is no lock above ${MOST_LOCK_MS} ms.`,
    markdown(
      ['', 'rows deleted', 'a second', 'seconds', 'longest lock', 'longest wait', 'longest write', 'promise'],
      rows,
    ),
    ...blockers(cleaners),
  ].join('\n\n');
}

/** Who was waited for, where it was for longer than a cleaner may hold anything. */
function blockers(cleaners) {
  const waits = cleaners.filter(({ longestWait }) => longestWait > MOST_LOCK_MS);
  if (waits.length === 0) return [];
  return [
    waits.map((one) => `- ${one.name}: ${one.longestWait.toFixed(0)} ms for \`${one.waitedFor}\``).join('\n'),
  ];
}

const count = (value) => Math.round(value).toLocaleString('en');
