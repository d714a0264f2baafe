import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A core of its own; the load, PostgreSQL and the runner share the other. */
export const SERVER_CORE = 0;
export const OTHER_CORE = 1;
/** The kernel counts CPU time in hundredths of a second (`getconf CLK_TCK`). */
const TICK_MS = 10;
const START_MS = 30_000;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Arguments of node, by the name that scenarios use. A new server is one line here. */
const SERVERS = {
  fastify: [here('servers/fastify.mjs')],
  nest: [here('servers/nest.mjs')],
  gatehouse: ['--import', here('without.mjs'), here('../dist/src/main.js')],
};

/** A server under measurement, as a process of its own that logs to /dev/null. */
export class Server {
  errors = '';
  /** The part taken out of it. */
  missing = null;
  isStopping = false;

  constructor(name, port, { env, cwd, nodeArgs, cores = SERVER_CORE }) {
    this.name = name;
    this.port = port;
    const pinned = ['-c', String(cores), process.execPath, ...nodeArgs, ...SERVERS[name]];
    this.child = spawn('taskset', pinned, {
      cwd,
      env: { PATH: process.env.PATH, ...env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    process.on('exit', () => this.child.kill());
    this.child.on('exit', (code, signal) => {
      if (!this.isStopping) process.stderr.write(`${name} ended (${signal ?? code}): ${this.errors}\n`);
    });
    this.child.stderr.on('data', (chunk) => (this.errors += chunk));
  }

  /** Resolves when it answers, and not only to say that it is starting. */
  static async start(name, options) {
    const server = new Server(name, await freePort(), options);
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline && server.child.exitCode === null) {
      const answer = await server.fetch('/').catch(() => undefined);
      if (answer && answer.status < 500) return server;
      await sleep(50);
    }
    throw new Error(`${name} did not start:\n${server.errors}`);
  }

  fetch(path, init) {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }

  /** Takes a part out, as `without.mjs` does it, until it is called again; null for none. */
  async takeOut(part) {
    if (part === this.missing) return;
    this.child.send(part);
    await once(this.child, 'message');
    this.missing = part;
  }

  /** Milliseconds on a core since its start, all threads, user and kernel (proc_pid_stat(5), fields 14 and 15). */
  cpuMs() {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  async stop() {
    this.isStopping = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill();
    await once(this.child, 'exit');
  }
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
