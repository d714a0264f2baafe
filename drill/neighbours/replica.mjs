import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, isRunning, launch, until } from './processes.mjs';

/** A built Gatehouse as a process of its own. It keeps its ports over restarts. */
export class Replica {
  /** Ends that nobody asked for. */
  surprises = 0;

  constructor(name, { build, folder, port, metricsPort, env }) {
    Object.assign(this, { name, build, folder, port, metricsPort, env });
    this.log = join(folder, `${name}.log`);
  }

  get isRunning() {
    return isRunning(this.child);
  }

  /** Without waiting for it to be ready. */
  launch(changes = {}) {
    const { PATH, HOME } = process.env;
    const ports = { PORT: String(this.port), METRICS_PORT: String(this.metricsPort) };
    const env = { PATH, HOME, ...this.env, ...ports, ...changes };
    const child = launch(process.execPath, [join(this.build, 'dist/server/main.js')], {
      cwd: this.folder,
      env,
      log: this.log,
    });
    this.child = child;
    this.isExpectedToRun = true;
    child.once('exit', () => {
      if (this.child === child && this.isExpectedToRun) this.surprises += 1;
    });
  }

  /** Returns the milliseconds from its start until it was ready. */
  async start(changes) {
    const startedAt = performance.now();
    this.launch(changes);
    await this.ready();
    return performance.now() - startedAt;
  }

  async ready(patienceMs = 60_000) {
    const isReady = () => this.get('/health/ready').then(({ status }) => status === 200);
    await until(`${this.name} ready`, () => isReady().catch(() => false), patienceMs);
  }

  async isLive() {
    return this.get('/health/live').then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Returns the exit code, null where the signal itself ended it. */
  stop(signal = 'SIGTERM') {
    this.isExpectedToRun = false;
    return end(this.child, signal);
  }

  get(path, timeoutMs = 3_000) {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { signal: AbortSignal.timeout(timeoutMs) });
  }

  /** Bytes: all of the process in memory, and what its JavaScript heap holds. */
  async memory() {
    const rss = Number(readFileSync(`/proc/${this.child.pid}/statm`, 'utf8').split(' ')[1]) * 4096;
    const metrics = await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`);
    const heap = Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(await metrics.text())?.[1]);
    return { rss, heap };
  }

  /** What it has logged under this name of an event. */
  events(name) {
    const lines = readFileSync(this.log, 'utf8').split('\n');
    return lines.filter((line) => line.includes(`"event":"${name}"`)).map((line) => JSON.parse(line));
  }
}
