import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Starts a program that writes to a log and never outlives the drill. */
export function launch(file, args, { log, ...options }) {
  const sink = openSync(log, 'a');
  const child = spawn(file, args, { ...options, stdio: ['ignore', sink, sink] });
  child.once('error', ({ message }) => {
    process.stderr.write(`${message}: is ${file} installed?\n`);
    process.exit(69);
  });
  const end = () => child.kill('SIGKILL');
  process.on('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

export function isRunning(child) {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Sends the signal and waits for the end. Returns the exit code, null where the signal itself ended it. */
export async function end(child, signal) {
  if (isRunning(child)) {
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
  return child?.exitCode ?? null;
}

export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export async function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/** @throws Error when the condition does not hold in time */
export async function until(what, condition, patienceMs = 60_000, everyMs = 25) {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
    await sleep(everyMs);
  }
}
