import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { end, freePort, SERVER_CORE } from './place.mjs';
import { cpuMs, memoryOf } from './proc.mjs';

/** Longer than any start takes, however busy the machine is. */
const START_MS = 90_000;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
/** A program of dist/, started as `npm start` and the image start the product. */
const gatehouse = (program) => [
  '--max-semi-space-size=4',
  '--heap-growing-percent=15',
  '--no-allocation-site-pretenuring',
  here(`../dist/${program}`),
];
const COUNTING = ['--import', here('hooks/queries.mjs')];

/** Arguments of node, by the name that scenarios use. A new server is one line here. */
const SERVERS = {
  fastify: [here('servers/fastify.mjs')],
  nest: [here('servers/nest.mjs')],
  jose: [here('servers/jose.mjs')],
  lookup: [...COUNTING, here('servers/lookup.mjs')],
  bcrypt: [here('servers/bcrypt.mjs')],
  'better-auth': [...COUNTING, here('servers/better-auth.mjs')],
  gatehouse: [...COUNTING, ...gatehouse('bench/main.js')],
  'gatehouse-as-it-is': gatehouse('server/main.js'),
  // Before it is put into one file a package, so that what is loaded before it can replace parts of it.
  'gatehouse-in-modules': gatehouse('src/main.js'),
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
    this.end = () => this.child.kill();
    process.on('exit', this.end);
    this.child.on('exit', (code, signal) => {
      process.off('exit', this.end);
      if (!this.isStopping) process.stderr.write(`${name} ended (${signal ?? code}): ${this.errors}\n`);
    });
    this.child.stderr.on('data', (chunk) => (this.errors += chunk));
    this.ended = once(this.child, 'exit').then(() => {
      throw new Error(`${name} ended`);
    });
    // Also when nobody waits for an answer.
    this.ended.catch(() => {});
  }

  /** Resolves when it answers, and not only to say that it is starting. */
  static async start(name, options) {
    const server = new Server(name, await freePort(), options);
    await server.answers('/', (status) => status < 500);
    return server;
  }

  /** Resolves at the first answer of the kind. */
  async answers(path, isMeant, everyMs = 50) {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline && this.child.exitCode === null) {
      const answer = await this.fetch(path).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer && isMeant(answer.status)) return;
      await sleep(everyMs);
    }
    throw new Error(`${this.name} did not start:\n${this.errors}`);
  }

  fetch(path, init) {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }

  /** Takes a part out, as `hooks/without.cjs` does it, until it is called again; null for none. */
  async takeOut(part) {
    if (part === this.missing) return;
    await this.ask({ without: part });
    this.missing = part;
  }

  /** What it has asked of PostgreSQL so far; nothing for one that does not count. */
  async asked() {
    const counts = SERVERS[this.name].includes(COUNTING[1]);
    return counts ? this.ask({ tell: 'asked' }) : { roundTrips: 0, queries: 0 };
  }

  /** One question at a time. */
  async ask(message) {
    this.child.send(message);
    const [answer] = await Promise.race([once(this.child, 'message'), this.ended]);
    return answer;
  }

  /** Milliseconds on a core since its start. */
  cpuMs() {
    return cpuMs(this.child.pid);
  }

  /** Megabytes, now and at most so far. */
  memory() {
    return memoryOf(this.child.pid);
  }

  async stop() {
    this.isStopping = true;
    await end(this.child);
  }
}
