import { constants, existsSync } from 'node:fs';
import { open, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { becomesTrue, isAlive, isServerOf, sendQuietly, stopServer } from './process';

/** How long sessions get to notice that their server is gone, for each signal. Milliseconds. */
const ORPHANS_MS = 5_000;

/**
 * Makes a cluster ready to be started, whatever ended its last run: stops a server that outlived its Gatehouse, ends
 * sessions that outlived their server, and sees through a pid file whose pid was given to a stranger. Only for the
 * owner of the data directory (see `claimDataDir`): a server still running is taken for an orphan.
 *
 * @throws Error when an orphan cannot be stopped
 */
export async function clearAfterCrash(data: string, pgCtl: string): Promise<void> {
  const pid = await readServerPid(data);
  if (pid === undefined) return;
  if (isServerOf(pid, data)) await stopServer(pid, pgCtl);
  await endOrphans(data);
  if (existsSync(pidFile(data))) await disownPidFile(data);
}

/** The pid in PostgreSQL's own pid file; undefined when there is none. */
export async function readServerPid(data: string): Promise<number | undefined> {
  const text = await readFile(pidFile(data), 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || undefined;
}

function pidFile(data: string): string {
  return join(data, 'postmaster.pid');
}

/** Sessions of a killed server may first finish a long query, with the files still open. */
async function endOrphans(data: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const orphans = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && isServerOf(pid, data));
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const pid of orphans.filter(isAlive)) sendQuietly(signal, pid);
    if (await becomesTrue(() => !orphans.some(isAlive), ORPHANS_MS)) return;
  }
}

/**
 * PostgreSQL would take a stranger with this pid, or a zombie, for a running server. Removing the file would also remove the key of the shared
 * memory by which PostgreSQL finds left-over sessions, so only the pid in it is changed: the pids it never takes for a
 * server are those of its own parents, of which this process is one.
 */
async function disownPidFile(data: string): Promise<void> {
  // Windows finds the shared memory by the path of the directory.
  if (process.platform === 'win32') return rm(pidFile(data), { force: true });
  // Not through a symlink: as root this writes where an unprivileged account may have placed one.
  const file = await open(pidFile(data), constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  try {
    const lines = (await file.readFile('utf8')).split('\n');
    await file.truncate(0);
    await file.write([process.pid, ...lines.slice(1)].join('\n'), 0);
  } finally {
    await file.close();
  }
}
