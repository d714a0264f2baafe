// Runs the scenarios and prints one table for each. See README.md.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import postgres from '../dist/src/database/embedded-postgres.js';
import { summarise } from './profile.mjs';
import { preamble, report } from './report.mjs';
import { OTHER_CORE, Server } from './server.mjs';
import { PRODUCTION } from './settings.mjs';

const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '31' },
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string', default: '16' },
    profile: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const settings = {
  rounds: Number(given.rounds),
  seconds: Number(given.seconds),
  connections: Number(given.connections),
};
const WARM_UP_SECONDS = 2;
/** Not measured: the server before had the core and its caches. */
const LEAD_IN_SECONDS = 0.2;
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
const stops = [];

process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
if (process.platform !== 'linux' || availableParallelism() < 2)
  throw new Error('the benchmark needs Linux (taskset, /proc) and two cores');
execFileSync('taskset', ['-acp', String(OTHER_CORE), String(process.pid)], { stdio: 'ignore' });

try {
  const { url, stop } = await postgres.startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
  stops.push(stop);
  const sendLoad = startLoad();
  const reports = [];
  for (const scenario of await scenarios()) reports.push(await measure(scenario, url, sendLoad));
  const text = `${[preamble(`node bench/run.mjs ${process.argv.slice(2).join(' ')}`, settings), ...reports].join('\n\n')}\n`;
  process.stdout.write(text);
  if (given.write) writeFileSync(fileURLToPath(new URL('RESULTS.md', import.meta.url)), text);
} finally {
  for (const stop of stops.toReversed()) await stop();
}

async function scenarios() {
  const files = readdirSync(new URL('scenarios/', import.meta.url));
  const chosen = files.filter((file) => !given.only || basename(file, '.mjs') === given.only);
  if (chosen.length === 0) throw new Error(`there is no scenario ${given.only}`);
  return Promise.all(chosen.map((file) => import(`./scenarios/${file}`)));
}

async function measure(scenario, databaseUrl, sendLoad) {
  const names = [...new Set(['gatehouse', ...scenario.lines.map(({ server }) => server)])];
  const servers = {};
  for (const name of names) servers[name] = await startServer(name, databaseUrl);
  const requestsOf = await scenario.prepare(servers);
  const jobs = scenario.lines.map((line) => ({ ...line, requests: requestsOf(line) }));
  for (const job of jobs) await take(job, WARM_UP_SECONDS);
  const rounds = [];
  const from = process.hrtime.bigint() / 1000n;
  while (rounds.length < settings.rounds) {
    const round = {};
    // There and back again, so that no line always follows the same one.
    for (const job of rounds.length % 2 ? jobs.toReversed() : jobs)
      round[job.name] = await take(job, settings.seconds);
    rounds.push(round);
    process.stderr.write(`round ${rounds.length} of ${settings.rounds}\n`);
  }
  for (const server of Object.values(servers)) await server.stop();
  if (given.profile)
    for (const name of names)
      process.stdout.write(`--- ${name}\n${summarise(profilesOf(name), Number(from))}\n\n`);
  return report(scenario, rounds);

  async function take({ server, without = null, requests }, seconds) {
    const { port } = servers[server];
    await servers[server].takeOut(without);
    const load = { port, requests, connections: settings.connections };
    await sendLoad({ ...load, seconds: LEAD_IN_SECONDS });
    const before = servers[server].cpuMs();
    const answered = await sendLoad({ ...load, seconds });
    return { ...answered, cpuMs: servers[server].cpuMs() - before };
  }
}

/** As in production. The folder is its own: no developer's `.env` has a say. */
async function startServer(name, databaseUrl) {
  const nodeArgs = given.profile ? ['--cpu-prof', `--cpu-prof-dir=${profilesOf(name)}`] : [];
  const env = { ...PRODUCTION, DATABASE_URL: databaseUrl, ACCESS_TOKEN_TTL: '24h' };
  const server = await Server.start(name, { env, cwd: folder, nodeArgs });
  stops.push(() => server.stop());
  return server;
}

function profilesOf(server) {
  const profiles = resolve(given.profile, server);
  mkdirSync(profiles, { recursive: true });
  return profiles;
}

/** One process for all rounds, so that its own warming up is nobody's figure. */
function startLoad() {
  const script = fileURLToPath(new URL('load.mjs', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  stops.push(() => child.disconnect());
  return async (job) => {
    child.send(job);
    const [answered] = await once(child, 'message');
    if (answered.failure) throw new Error(answered.failure);
    return answered;
  };
}
