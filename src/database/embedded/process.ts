import { execFileSync, spawn, type StdioOptions } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** The unprivileged user PostgreSQL runs as; undefined where it runs as the user of this process. */
export type Account = { uid: number; gid: number } | undefined;

/** Gives PostgreSQL time to roll back, then less and less courtesy. Milliseconds. */
const SHUTDOWN = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const;
const POLL_MS = 20;

/** How a process of another account names a directory, and the descriptors it has to inherit for that. */
export interface Reach {
  path: string;
  inherit: number[];
  close(): Promise<void>;
}

/**
 * A checkout below /root (mode 0700) is closed to the account the server runs as. Linux lets a process enter a
 * directory by an open descriptor whatever lies above it, so the directory is handed over as number 3.
 */
export async function reachAs(account: Account, directory: string): Promise<Reach> {
  if (!account || process.platform !== 'linux') {
    return { path: directory, inherit: [], close: async () => undefined };
  }
  const handle = await open(directory, 'r');
  return { path: '/proc/self/fd/3', inherit: [handle.fd], close: () => handle.close() };
}

/** What the server and its tools see: no secret, and no locale or PG* variable that would change what they do. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, SystemRoot, TEMP, LC_ALL: 'C', TZ: 'UTC' };
}

export interface RunOptions {
  account: Account;
  inherit?: number[];
  /** Descriptor that takes the output. A tool that leaves a server behind needs one: a pipe would never close. */
  log?: number;
}

export interface Outcome {
  /** Null for a tool that could not be started (then the output says why) or was killed. */
  code: number | null;
  output: string;
}

/** Runs a tool to its end; never throws. */
export function run(file: string, args: string[], options: RunOptions): Promise<Outcome> {
  const sink = options.log ?? 'pipe';
  const outcome = new Promise<Outcome>((resolve, reject) => {
    let output = '';
    const child = spawn(file, args, {
      ...options.account,
      stdio: ['ignore', sink, sink, ...(options.inherit ?? [])],
      cwd: '/',
      env: toolEnvironment(),
      windowsHide: true,
    });
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
  return outcome.catch((error: Error) => ({ code: null, output: error.message }));
}

/** Names a process for ever, unlike its pid, which is given out again; undefined when it is gone. */
export function processIdentity(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined;
  if (process.platform === 'linux') return `${bootId()} ${linuxStat(pid)?.startTicks}`;
  if (process.platform === 'win32') return 'unknown';
  return processColumn(pid, 'lstart=');
}

/** A zombie counts as gone: it holds nothing any more, and in a container nobody may ever collect it. */
export function isAlive(pid: number): boolean {
  if (process.platform === 'linux') {
    const state = linuxStat(pid)?.state;
    return state !== undefined && state !== 'Z' && state !== 'X';
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether `pid` is a PostgreSQL process working on this data directory, rather than a stranger with a reused pid. */
export function isServerOf(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') return linuxStat(pid)?.name === 'postgres' && worksIn(pid, data);
  if (process.platform === 'win32') return windowsImage(pid).includes('postgres.exe');
  const command = processColumn(pid, 'command=') ?? '';
  return command.includes('postgres') && command.includes(data);
}

/** @throws Error when the server outlives even SIGKILL (a process stuck in the kernel) */
export async function stopServer(pid: number, pgCtl: string): Promise<void> {
  const identity = processIdentity(pid);
  const isGone = () => processIdentity(pid) !== identity;
  for (const [signal, patienceMs] of SHUTDOWN) {
    if (identity === undefined || isGone()) return;
    await send(signal, pid, pgCtl);
    if (await becomesTrue(isGone, patienceMs)) return;
  }
  throw new Error(`PostgreSQL (pid ${pid}) could not be stopped`);
}

/** Polls until the condition holds; false when it does not within the time. */
export async function becomesTrue(condition: () => boolean, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function send(signal: (typeof SHUTDOWN)[number][0], pid: number, pgCtl: string): Promise<void> {
  // Windows knows no signals: PostgreSQL listens for them on a pipe that pg_ctl knows.
  if (process.platform === 'win32')
    await run(pgCtl, ['kill', signal.slice(3), String(pid)], { account: undefined });
  else sendQuietly(signal, pid);
}

export function sendQuietly(signal: NodeJS.Signals, pid: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** By inode, not by path: a checkout may have been renamed or be mounted in two places. */
function worksIn(pid: number, directory: string): boolean {
  try {
    const [there, here] = [statSync(`/proc/${pid}/cwd`), statSync(directory)];
    return there.ino === here.ino && there.dev === here.dev;
  } catch {
    return false;
  }
}

/** See proc_pid_stat(5); the name may itself contain brackets and blanks, so the last bracket counts. */
function linuxStat(pid: number): { name: string; state?: string; startTicks?: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      state: fields[0],
      startTicks: fields[19],
    };
  } catch {
    return undefined;
  }
}

/** Start times count from the boot, so without it two boots could be confused. */
function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function processColumn(pid: number, column: string): string | undefined {
  return outputOf('ps', ['-o', column, '-p', String(pid)]);
}

function windowsImage(pid: number): string {
  return outputOf('tasklist', ['/NH', '/FI', `PID eq ${pid}`]) ?? '';
}

function outputOf(file: string, args: string[]): string | undefined {
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  try {
    return execFileSync(file, args, { env: toolEnvironment(), stdio, windowsHide: true }).toString().trim();
  } catch {
    return undefined;
  }
}
