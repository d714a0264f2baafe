import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { SMTPServer } from 'smtp-server';
import postgres from '../dist/src/database/embedded-postgres.js';
import { People } from './people.mjs';
import { freePort, SERVER_CORE, startProcess } from './place.mjs';
import { familyCpuMs, parentOf } from './proc.mjs';
import { Server } from './server.mjs';
import { PRODUCTION } from './settings.mjs';

/** What a word in the name of a server changes: `gatehouse redis 2` is a second replica that shares its limits. */
const MARKS = {
  redis: ({ redisUrl }) => ({ REDIS_URL: redisUrl }),
  cached: () => ({ COOKIE_CACHE: 'on' }),
  proxied: () => ({ TRUST_PROXY: '1' }),
};
/** Where there are cores enough a second replica has one of its own. */
const SECOND_CORE = cpus().length > 3 ? 2 : SERVER_CORE;
/** libuv starts four threads whatever the cores; the servers have one. */
const THREADS = { bcrypt: { UV_THREADPOOL_SIZE: '1' } };

/** Everything around a measurement: PostgreSQL, a mail server, Redis, the load, the servers and the people. */
export class World {
  servers = new Map();
  #stops = [];

  /** @param folder for what is written; no developer's `.env` has a say there */
  static async start(folder, { profiles } = {}) {
    const world = new World();
    world.folder = folder;
    world.profiles = profiles;
    const database = await postgres.startEmbeddedPostgres({
      dataDir: join(folder, 'postgres'),
      maxConnections: 200,
    });
    world.#stops.push(database.stop);
    world.client = new Client({ connectionString: database.url });
    await world.client.connect();
    world.#stops.push(() => world.client.end());
    const { rows } = await world.client.query(
      "SELECT pg_backend_pid() AS pid, current_setting('server_version') AS version",
    );
    world.postmaster = parentOf(rows[0].pid);
    world.postgresVersion = rows[0].version;
    world.redisUrl = await world.#startRedis();
    world.env = {
      ...PRODUCTION,
      DATABASE_URL: database.url,
      SMTP_URL: await world.#startMailServer(),
      ACCESS_TOKEN_TTL: '24h',
      RATE_LIMITS: '9999',
      METRICS_TOKEN: 'gJ5vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV',
      SHUTDOWN_DELAY: '0s',
    };
    world.load = world.startProcess('load.mjs');
    return world;
  }

  /** The server of this name, started where it does not run. */
  async server(name) {
    if (!this.servers.has(name)) this.servers.set(name, await this.#startServer(name));
    return this.servers.get(name);
  }

  /** Accounts and sessions; the first call needs the schema, which a Gatehouse makes when it starts. */
  async people() {
    await this.server('gatehouse');
    if (!this.inhabitants) {
      this.inhabitants = await People.start({ ...this.env, PORT: '0' });
      this.#stops.push(() => this.inhabitants.stop());
    }
    return this.inhabitants;
  }

  postgresCpuMs() {
    return familyCpuMs(this.postmaster);
  }

  /** Resolves when every letter has been delivered. */
  async mailIsDelivered() {
    const waiting = `SELECT FROM pgboss.job WHERE name = 'mail' AND state IN ('created', 'retry', 'active') LIMIT 1`;
    while ((await this.client.query(waiting)).rowCount > 0) await sleep(50);
  }

  /** A process that takes one job at a time, until the end. Returns what sends it a job and resolves to the result. */
  startProcess(file, wrapper) {
    const { send, stop } = startProcess(file, wrapper);
    this.#stops.push(stop);
    return send;
  }

  async stopServers() {
    await Promise.all([...this.servers.values()].map((server) => server.stop()));
    this.servers.clear();
  }

  async stop() {
    await this.stopServers();
    for (const stop of this.#stops.toReversed()) await stop();
  }

  async #startServer(name) {
    const [kind, ...words] = name.split(' ');
    const marks = words.filter((word) => MARKS[word]);
    const env = Object.assign({ ...this.env, ...THREADS[kind] }, ...marks.map((word) => MARKS[word](this)));
    const cores = words.includes('2') ? SECOND_CORE : SERVER_CORE;
    return Server.start(kind, { env, cwd: this.folder, nodeArgs: this.#profiling(name), cores });
  }

  #profiling(name) {
    if (!this.profiles) return [];
    mkdirSync(this.profilesOf(name), { recursive: true });
    return ['--cpu-prof', `--cpu-prof-dir=${this.profilesOf(name)}`];
  }

  profilesOf(name) {
    return resolve(this.profiles, name.replaceAll(' ', '-'));
  }

  async #startMailServer() {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, _session, taken) => stream.on('end', taken).resume(),
    });
    server.on('error', () => {});
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#stops.push(() => new Promise((resolve) => server.close(resolve)));
    return `smtp://127.0.0.1:${server.server.address().port}`;
  }

  /** Undefined where it is not installed. */
  async #startRedis() {
    const port = await freePort();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', args, { cwd: this.folder, stdio: 'ignore' });
    const isMissing = await new Promise((resolve) => {
      child.once('error', () => resolve(true));
      child.once('spawn', () => resolve(false));
    });
    if (isMissing) return undefined;
    process.on('exit', () => child.kill());
    this.#stops.push(() => child.kill());
    while (!(await isListening(port))) await sleep(20);
    return `redis://127.0.0.1:${port}`;
  }
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
