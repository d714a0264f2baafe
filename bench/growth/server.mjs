import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PRODUCTION } from '../settings.mjs';

/** A core of its own; what sends requests shares the other with PostgreSQL. */
export const SERVER_CORE = 0;
export const OTHER_CORE = 1;
const START_MS = 60_000;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export const environmentOf = (databaseUrl) => ({
  ...PRODUCTION,
  PATH: process.env.PATH,
  DATABASE_URL: databaseUrl,
  // Counted as ever, never reached.
  RATE_LIMITS: '9999',
});

/** The built server with `hooks.mjs`, pinned to a core. Resolves when it is ready. */
export async function startServer(databaseUrl, cwd) {
  const port = await freePort();
  const args = ['-c', String(SERVER_CORE), process.execPath];
  const child = spawn('taskset', [...args, '--import', here('hooks.mjs'), here('../../dist/src/main.js')], {
    cwd,
    env: { ...environmentOf(databaseUrl), PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.on('exit', () => child.kill());
  for (const until = Date.now() + START_MS; Date.now() < until && child.exitCode === null; await sleep(50)) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    if (answer?.ok) return { port, pid: child.pid, stop: () => stop(child) };
  }
  throw new Error('the server did not start');
}

export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
