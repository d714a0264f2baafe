import { cpus } from 'node:os';
import { ALWAYS, seconds } from './expectations.mjs';
import { MIX, RATE, USERS } from './settings.mjs';

const COLUMNS = [
  'fault',
  'requests',
  'errors',
  'slowest answer',
  'longest time without a good answer',
  'first good answer after its return',
  'letters',
  'broken promises',
  '',
];

/** The page that `--write` keeps: everything but the introduction, which stands before it. */
export function report(rows, command) {
  const table = rows.map((row) => [
    row.fault.name,
    row.requests,
    errorsOf(row),
    seconds(row.slowestMs),
    seconds(row.longestGapMs),
    row.fault.heal || row.fault.seconds === 0 ? seconds(row.firstGoodMs) : '–',
    `${row.letters.promised}${row.letters.copies ? `, ${row.letters.copies} twice` : ''}`,
    row.broken.length,
    row.missed.length === 0 ? 'as expected' : '**missed**',
  ]);
  const mix = Object.entries(MIX).map(([action, share]) => `${action} ${share}`);
  return [
    `- ${new Date().toISOString().slice(0, 10)}, \`${command}\``,
    `- ${cpus().length} × ${cpus()[0].model.trim()}, shared by everything; Node ${process.versions.node}`,
    `- ${USERS} users, some ${RATE} requests a second; of a hundred ${mix.join(', ')}`,
    '',
    markdown(COLUMNS, table),
    '',
    endingsOf(rows),
    '',
    ...memoryOf(rows),
    '## Expectations',
    '',
    `In every row: ${ALWAYS.map(({ says }) => says).join('; ')}; every letter that was promised comes, and none besides.`,
    '',
    ...rows.map(expectationsOf),
  ].join('\n');
}

/** For the terminal, as soon as a row is there. */
export function summary(row) {
  const verdict = row.missed.length === 0 ? 'as expected' : 'MISSED';
  const lines = [
    `${verdict.padEnd(12)}${row.fault.id}: ${row.requests} requests, errors: ${errorsOf(row)}, slowest ${seconds(row.slowestMs)} (${row.slowest.action} ${row.slowest.status} ${row.slowest.code ?? ''} at ${seconds(row.slowest.startedAt - row.inflictedAt)}), median ${Math.round(row.medianMs)} ms, gap ${seconds(row.longestGapMs)}, good after ${seconds(row.firstGoodMs)}, letters ${row.letters.promised} in ${seconds(row.letters.lettersMs)} (${row.letters.copies} twice), late endings ${row.lateEndingsMs.map(Math.round)}`,
    ...row.missed.map(({ says, found }) => `  missed: ${says} – ${found(row)}`),
    ...row.broken.slice(0, 10).map((what) => `  broken: ${what}`),
  ];
  return `${lines.join('\n')}\n`;
}

function errorsOf({ errors }) {
  const counts = new Map();
  for (const { key } of errors) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].map(([key, count]) => `${count} × ${key}`).join(', ') || 'none';
}

function expectationsOf({ fault, missed }) {
  const items = (fault.expect ?? []).map(
    (each) => `${each.says}${missed.includes(each) ? ' (**missed**)' : ''}`,
  );
  return `- **${fault.name}**: ${items.join('; ')}.`;
}

/** Not a broken promise, and not nothing. */
function endingsOf(rows) {
  const late = rows.flatMap(({ lateEndingsMs }) => lateEndingsMs);
  if (late.length === 0)
    return 'No session that had ended was let in again, not even by the other replica at once.';
  const latest = Math.ceil(Math.max(...late));
  return `A session that had ended on one replica was let in by the other ${late.length} times, ${latest} ms later at most.`;
}

function memoryOf(rows) {
  const { notes } = rows.find(({ fault }) => fault.id === 'soak') ?? {};
  if (!notes) return [];
  const MB = 1024 * 1024;
  const tenths = (samples) =>
    Array.from({ length: 10 }, (_, tenth) =>
      samples.slice(
        Math.floor((tenth * samples.length) / 10),
        Math.floor(((tenth + 1) * samples.length) / 10),
      ),
    );
  const lines = notes.memory.flatMap((samples, number) => [
    [`replica ${number + 1}, resident, mean`, ...tenths(samples).map((part) => mean(part, 'rss') / MB)],
    [`replica ${number + 1}, heap, least`, ...tenths(samples).map((part) => least(part, 'heap') / MB)],
  ]);
  return [
    '## Memory in the soak',
    '',
    'Megabytes, for each tenth of its time.',
    '',
    markdown(
      ['', ...Array.from({ length: 10 }, (_, tenth) => String(tenth + 1))],
      lines.map(([name, ...values]) => [name, ...values.map((value) => value.toFixed(0))]),
    ),
    '',
  ];
}

const mean = (samples, figure) => samples.reduce((sum, sample) => sum + sample[figure], 0) / samples.length;
const least = (samples, figure) => Math.min(...samples.map((sample) => sample[figure]));

function markdown(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
