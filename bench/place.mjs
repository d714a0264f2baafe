// Where a measurement runs: a folder of its own, and cores that servers do not share with what measures them.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A core of its own; the load, PostgreSQL and the runner share the other. */
export const SERVER_CORE = 0;
export const OTHER_CORE = 1;

/** Puts this process on its core. Returns a folder that goes with it, however it ends. */
export function settle(name) {
  if (process.platform !== 'linux' || availableParallelism() < 2)
    throw new Error('the benchmark needs Linux (taskset, /proc) and two cores');
  const folder = mkdtempSync(join(tmpdir(), `gatehouse-${name}-`));
  process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  execFileSync('taskset', ['-acp', String(OTHER_CORE), String(process.pid)], { stdio: 'ignore' });
  return folder;
}

/**
 * Starts a process of this folder that takes one job at a time.
 *
 * @param wrapper a command that starts it
 * @returns what sends it a job and resolves to the result, and what ends it
 */
export function startProcess(file, wrapper = []) {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const [command, ...args] = [...wrapper, process.execPath, script];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${file} ended`);
  });
  // Also when nobody waits for a result.
  ended.catch(() => {});
  return {
    async send(job) {
      child.send(job);
      const [result] = await Promise.race([once(child, 'message'), ended]);
      if (result.failure) throw new Error(result.failure);
      return result;
    },
    stop: () => child.connected && child.disconnect(),
  };
}

/** Resolves when it has ended. */
export async function end(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
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
