import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { markdown } from './markdown.mjs';
import { median, spread } from './statistics.mjs';

const VERSIONS_OF = [
  '@nestjs/core',
  'fastify',
  'typeorm',
  'pg',
  '@node-rs/bcrypt',
  'jose',
  'passport-jwt',
  'better-auth',
];
/** Megabytes, as the project promises them of every scenario. */
const MOST_MEMORY = 200;

export function preamble(command, { postgresVersion, redisUrl }) {
  const [{ model }] = cpus();
  const versions = VERSIONS_OF.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return [
    '# Results',
    [
      `- ${new Date().toISOString().slice(0, 10)}, \`${command}\``,
      `- ${cpus().length} × ${model.trim()}; Node ${process.versions.node}, PostgreSQL ${postgresVersion}; ${versions}`,
      '- Production settings: headers, limits counted but far away, audit and metrics on, log to /dev/null; the server on one core, load and PostgreSQL on the other',
      '- Medians of interleaved rounds, in brackets the middle half; what happens in an idle second is taken off CPU and queries',
      ...(redisUrl ? [] : ['- There is no redis-server here: what needs it is missing']),
    ].join('\n'),
  ].join('\n\n');
}

/**
 * @param limits lines that every other is divided by, each with a short name
 * @param rounds for each round, what was measured of each line, by its name
 */
export function report({ lines, limits, targets, notes = [] }, { rounds, memory }) {
  const of = (name, figure) => rounds.map((round) => round[name][figure]);
  const names = new Set(lines.map(({ name }) => name));
  const isLimit = (name) => limits.some((limit) => limit.name === name);
  const divided = (name, by) =>
    isLimit(name) || !names.has(by)
      ? ''
      : median(rounds.map((round) => round[name].cpu / round[by].cpu)).toFixed(2);
  const hasPeers = lines.some(({ peer }) => names.has(peer));
  const hasRefusals = lines.some(({ mayRefuse }) => mayRefuse);
  const columns = [
    ['CPU ms', ({ name }) => spread(of(name, 'cpu'), 3)],
    ['PostgreSQL ms', ({ name }) => notNegative(median(of(name, 'postgres'))).toFixed(3)],
    ['round trips', ({ name }) => notNegative(median(of(name, 'roundTrips'))).toFixed(1)],
    ['queries', ({ name }) => notNegative(median(of(name, 'queries'))).toFixed(1)],
    ['req/s', ({ name }) => rounded(median(of(name, 'perSecond')))],
    ['p50 ms', ({ name }) => rounded(median(of(name, 'p50')))],
    ['p99 ms', ({ name }) => rounded(median(of(name, 'p99')))],
    ...(hasRefusals ? [['503', ({ name }) => median(of(name, 'refused')).toFixed(0)]] : []),
    ['RSS MB', ({ name }) => Math.max(...of(name, 'memory')).toFixed(0)],
    ...limits.map(({ name, short }) => [`÷ ${short}`, (line) => divided(line.name, name)]),
    ...(hasPeers ? [['÷ Better Auth', ({ name, peer }) => divided(name, peer)]] : []),
  ];
  const table = markdown(
    ['', ...columns.map(([head]) => head)],
    lines.map((line) => [line.name, ...columns.map(([, cell]) => cell(line))]),
  );
  const most = memory.map(({ name, most }) => `${name} ${most.toFixed(0)}`).join(', ');
  const replicas = memory.filter(({ name }) => name.startsWith('gatehouse'));
  const inMemory = {
    says: 'most memory of a Gatehouse, MB',
    value: () => Math.max(...replicas.map(({ most }) => most)),
    atMost: MOST_MEMORY,
  };
  return [
    table,
    judged([...targets, ...(replicas.length ? [inMemory] : [])], rounds),
    [`Most memory so far (VmHWM), MB: ${most}.`, ...notes].map((note) => `- ${note}`).join('\n'),
  ].join('\n\n');
}

/** Whoever reads the figures should know what they do not say. */
export function reservations() {
  const sharesCore = cpus().length < 4;
  return [
    '## What this run cannot say',
    [
      '- Milliseconds on other machines: this one is virtual, and its neighbours have a say. Ratios carry over, and most of all those to the limits.',
      '- What a network costs: everything runs on one machine. A round trip to a PostgreSQL elsewhere adds its time to p50, not to CPU.',
      '- The most requests a second: the load generator and PostgreSQL share a core and are often what is waited for.',
      ...(sharesCore ? ['- Throughput of two replicas on a core each: there are not enough.'] : []),
      '- What years of data cost: see GROWTH.md. The tables here hold what the run itself has made.',
    ].join('\n'),
  ].join('\n\n');
}

/** A table of promises. Each takes its value from one round. */
export function judged(targets, rounds) {
  return markdown(
    ['target', 'measured', 'promise', ''],
    targets.map(({ says, value, atMost, atLeast }) => {
      const values = rounds.map(value);
      const isMet = atMost === undefined ? median(values) >= atLeast : median(values) <= atMost;
      const promise = atMost === undefined ? `≥ ${atLeast.toFixed(2)}` : `≤ ${atMost.toFixed(3)}`;
      return [says, spread(values, 3), promise, isMet ? 'met' : '**missed**'];
    }),
  );
}

/** What is left when the background is taken off may be a little less than nothing. */
const notNegative = (value) => Math.max(0, value);
const rounded = (value) => value.toFixed(value < 100 ? 1 : 0);

/** Of the package that is loaded here: Better Auth's from this folder, most from the one above. */
function versionOf(name) {
  let folder = new URL('.', import.meta.url);
  for (;;) {
    try {
      const path = fileURLToPath(new URL(`node_modules/${name}/package.json`, folder));
      return JSON.parse(readFileSync(path, 'utf8')).version;
    } catch (error) {
      if (error.code !== 'ENOENT' || folder.pathname === '/') throw error;
      folder = new URL('..', folder);
    }
  }
}
