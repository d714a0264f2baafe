// What a flood of wrong logins does to everybody else. See README.md.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import postgres from '../dist/src/database/embedded-postgres.js';
import { login, message } from './flood/connection.mjs';
import { preamble, report } from './flood/report.mjs';
import { keep } from './markdown.mjs';
import { OTHER_CORE, SERVER_CORE, settle, startProcess } from './place.mjs';
import { Server } from './server.mjs';
import { PRODUCTION } from './settings.mjs';

const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    clients: { type: 'string', default: '200' },
    cost: { type: 'string', default: '12' },
    raw: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const [seconds, clients] = [Number(given.seconds), Number(given.clients)];
const PASSWORD = 'correct horse 7 battery!';
const WARM_UP_SECONDS = 3;
/** Until the queue is full. */
const FILL_SECONDS = 2;

/** Where the server runs, from how many addresses the flood comes, and what its clients do when they are refused. */
const FLOODS = {
  obedient: {
    cores: SERVER_CORE,
    addresses: clients,
    manners: 'retry-after',
    says: 'each client from an address of its own; when it is refused it waits as long as `Retry-After` says',
  },
  impatient: {
    cores: SERVER_CORE,
    addresses: clients,
    manners: 100,
    says: 'each client from an address of its own; when it is refused it tries again after 0.1 s',
  },
  ruthless: {
    cores: SERVER_CORE,
    addresses: clients,
    manners: 0,
    says: 'each client from an address of its own; when it is refused it tries again at once',
  },
  'one-address': {
    cores: SERVER_CORE,
    addresses: 1,
    manners: 100,
    says: 'as impatient, but all from one address',
  },
  'shared-cores': {
    cores: `${SERVER_CORE},${OTHER_CORE}`,
    addresses: clients,
    manners: 100,
    says: 'as impatient, but the server runs on both cores, along with PostgreSQL, the flood and the probes',
  },
};

/** Runs when the core has nothing else to do (SCHED_IDLE): PostgreSQL and the probes on it go first, at once. */
const IN_THE_GAPS = ['chrt', '--idle', '0'];

const folder = settle('flood');
const stops = [];

try {
  const names = given.only?.split(',') ?? Object.keys(FLOODS);
  const { url, stop } = await postgres.startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
  stops.push(stop);
  const attackers = start('attackers.mjs', IN_THE_GAPS);
  const probes = start('probes.mjs');
  const results = [];
  for (const name of names) {
    process.stderr.write(`${name}\n`);
    const measured = await measure(name, FLOODS[name], url, attackers, probes);
    results.push({ name, says: FLOODS[name].says, ...measured });
  }
  if (given.raw) writeFileSync(given.raw, JSON.stringify(results, null, 2));
  const command = ['node bench/flood.mjs', ...process.argv.slice(2)].join(' ');
  const about = preamble({ command, seconds, clients, cost: given.cost, cpu: cpus()[0].model });
  const text = `${about}\n\n${report(results)}\n`;
  process.stdout.write(text);
  if (given.write) await keep('FLOOD.md', text);
} finally {
  for (const stop of stops.toReversed()) await stop();
}

async function measure(name, { cores, addresses, manners }, databaseUrl, attackers, probes) {
  const server = await startServer(databaseUrl, cores);
  const owner = `owner-of-${name}@example.org`;
  const { access_token: token } = await register(server, owner);
  const { port } = server;
  const reads = [
    { name: 'live', perSecond: 50, messages: [message('GET', '/health/live')] },
    { name: 'profile', perSecond: 50, messages: [message('GET', '/api/auth/profile', { token })] },
  ];
  const logins = [
    // From the addresses of the flood: what one of its clients meets, without the crowd at its own door.
    { name: 'surplus', perSecond: 10, messages: wrongLogins(addresses) },
    { name: 'owner', perSecond: 0.5, messages: [login(owner, PASSWORD, '198.51.100.7')] },
  ];
  // Not measured: code that runs for the first time.
  await probes({ port, seconds: WARM_UP_SECONDS, probes: reads });
  const idle = await watched(server, async () => ({
    probes: await probes({ port, seconds: Math.max(10, seconds / 3), probes: reads }),
  }));
  const attack = attackers({ port, seconds: seconds + FILL_SECONDS, clients, addresses, manners });
  await sleep(FILL_SECONDS * 1000);
  const hit = await watched(server, async () => ({
    probes: await probes({ port, seconds, probes: [...reads, ...logins] }),
  }));
  hit.attack = await attack;
  await server.stop();
  return { idle, hit };
}

function wrongLogins(addresses) {
  return Array.from({ length: 100 }, (_, number) =>
    login(`nobody-else-${number}@example.org`, 'wrong horse 7 battery!', `203.0.113.${number % addresses}`),
  );
}

/** What the server itself sees meanwhile. */
async function watched(server, action) {
  server.child.send({ watch: 'start' });
  const done = await action();
  server.child.send({ watch: 'stop' });
  for (;;) {
    const [{ watched }] = await once(server.child, 'message');
    if (watched) return { ...done, ...watched };
  }
}

/** As in production. The folder is its own: no developer's `.env` has a say. Limits count, and are far away. */
async function startServer(databaseUrl, cores) {
  const env = {
    ...PRODUCTION,
    DATABASE_URL: databaseUrl,
    BCRYPT_COST: given.cost,
    RATE_LIMITS: '9999',
    TRUST_PROXY: '1',
  };
  const nodeArgs = ['--import', fileURLToPath(new URL('flood/watch.mjs', import.meta.url))];
  const server = await Server.start('gatehouse-as-it-is', { env, cwd: folder, nodeArgs, cores });
  stops.push(() => server.stop());
  return server;
}

async function register(server, email) {
  const answer = await server.fetch('/api/auth/register', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  if (answer.status !== 201) throw new Error(`registration answered ${answer.status}`);
  return answer.json();
}

function start(file, wrapper) {
  const { send, stop } = startProcess(`flood/${file}`, wrapper);
  stops.push(stop);
  return send;
}
