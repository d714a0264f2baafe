// Measures the tables and prints them. See README.md.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { keep } from './markdown.mjs';
import { measure } from './measure.mjs';
import { settle } from './place.mjs';
import { summarise } from './profile.mjs';
import { preamble, report, reservations } from './report.mjs';
import { chosenTables } from './tables.mjs';
import { World } from './world.mjs';

const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '16' },
    profile: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const tables = chosenTables(given.only);
// Where `npm run` was called, and not where it runs.
const profiles = given.profile && resolve(process.env.INIT_CWD ?? '.', given.profile);
const folder = settle('bench');

const sections = [];

const world = await World.start(folder, { profiles });
try {
  say(preamble(['npm run bench --', ...process.argv.slice(2)].join(' '), world));
  for (const table of tables) say(`## ${table.title}\n\n${await sectionOf(table).catch(failed)}`);
  say(reservations());
  if (given.write) await keep('RESULTS.md', sections.join('\n'));
} finally {
  await world.stop();
}

/** At once: a full run takes long. */
function say(section) {
  sections.push(`${section}\n`);
  process.stdout.write(`${section}\n\n`);
}

async function sectionOf({ title, scenarios, lines = [], limits = [], ...table }) {
  process.stderr.write(`${title}\n`);
  const rounds = Number(given.rounds ?? table.rounds);
  const seconds = Number(given.seconds ?? table.seconds);
  // A profile is of one process.
  const starts = profiles ? 1 : (table.starts ?? 1);
  const [first, ...others] = Object.values(scenarios);
  if (first.run) return endOf(await first.run(world, { rounds, seconds }));

  const all = [first, ...others];
  const known = [...lines, ...all.flatMap((scenario) => scenario.lines)];
  const measurable = known.filter(({ needs }) => needs !== 'redis' || world.redisUrl);
  const has = (some, name) => some.some((line) => line.name === name);
  const targets = all.flatMap((scenario) => scenario.targets);
  for (const name of targets.flatMap((target) => target.lines))
    if (!has(known, name)) throw new Error(`a target names a line that is none: ${name}`);
  const section = {
    lines: measurable,
    limits,
    targets: targets.filter((target) => target.lines.every((name) => has(measurable, name))),
    notes: [
      `${rounds} rounds of ${seconds} s a line, ${given.connections} connections unless a line says otherwise`,
      ...(starts > 1 ? [`Servers started ${starts} times, in turn in one order and in the other`] : []),
      ...all.flatMap(({ notes = [] }) => notes),
    ],
  };
  const servers = [...new Set(measurable.flatMap((line) => line.servers ?? [line.server]))];
  const parts = [];
  for (let start = 0; start < starts; start++) {
    await world.stopServers();
    for (const name of start % 2 ? servers.toReversed() : servers) await world.server(name);
    const part = await measure(world, {
      lines: measurable,
      rounds: Math.floor((rounds + start) / starts),
      seconds,
      connections: Number(given.connections),
    });
    parts.push(part);
  }
  return endOf(report(section, joined(parts)), parts[0].from);
}

/** The rounds of all, and the most memory that a server took in any of them. */
function joined(parts) {
  const most = new Map();
  for (const { name, most: megabytes } of parts.flatMap(({ memory }) => memory))
    most.set(name, Math.max(megabytes, most.get(name) ?? 0));
  return {
    rounds: parts.flatMap(({ rounds }) => rounds),
    memory: [...most].map(([name, megabytes]) => ({ name, most: megabytes })),
  };
}

/** One table that cannot be measured does not spoil the others. */
async function failed(error) {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
  await world.stopServers();
  return `**Could not be measured**: ${error.message.split('\n')[0]}`;
}

/** Every table has servers of its own, fresh ones. */
async function endOf(text, from = 0) {
  const names = [...world.servers.keys()];
  await world.stopServers();
  if (profiles)
    for (const name of names)
      process.stdout.write(`--- ${name}\n${summarise(world.profilesOf(name), Number(from))}\n\n`);
  return text;
}
