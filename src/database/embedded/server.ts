import { open, stat, type FileHandle } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRoot } from './account';
import type { Cluster } from './cluster';
import { processIdentity, reachAs, run } from './process';
import { clearAfterCrash, readServerPid } from './recovery';

const START_TIMEOUT_S = 60;
const START_ATTEMPTS = 5;
const RETRY_PAUSE_MS = 300;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const LOG_TAIL_BYTES = 16 * 1024;
const LOG_TAIL_LINES = 15;
/** The port was taken in between, or something of a run that was killed a moment ago is still coming or going. */
const PASSING_FAILURES = [
  /could not bind|could not create any TCP/,
  /shared memory block .* still in use/,
  /lock file "postmaster\.pid" already exists/,
];

export interface Server {
  pid: number;
  /** Differs once the pid is somebody else's. */
  identity: string | undefined;
  port: number;
}

export interface ServerSettings {
  durable: boolean;
  maxConnections: number;
}

/**
 * Starts the server on a free port of 127.0.0.1 and waits until it accepts connections.
 *
 * @throws Error with the end of the log when it does not within 60 s
 */
export async function startServer(
  dataDir: string,
  cluster: Cluster,
  settings: ServerSettings,
): Promise<Server> {
  const logPath = join(dataDir, 'postgres.log');
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const complaint = await startOn(port, logPath, cluster, settings);
    const pid = await readServerPid(cluster.data);
    if (complaint === undefined && pid) return { pid, identity: processIdentity(pid), port };
    await clearAfterCrash(cluster.data, cluster.binaries.pgCtl);
    const isPassing = PASSING_FAILURES.some((pattern) => pattern.test(complaint ?? ''));
    if (attempt === START_ATTEMPTS || !isPassing) {
      throw new Error(`the embedded PostgreSQL did not start; the end of ${logPath}:\n${complaint ?? ''}`);
    }
    await sleep(RETRY_PAUSE_MS);
  }
}

/** Free now; should it be taken before PostgreSQL binds it, the start is tried again with another. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/**
 * pg_ctl leaves the server in a session of its own, without a parent here: neither Ctrl-C nor a watcher that ends the
 * whole process tree takes the database away before the last request is answered. Returns why the start failed.
 */
async function startOn(
  port: number,
  logPath: string,
  { account, data, binaries }: Cluster,
  settings: ServerSettings,
): Promise<string | undefined> {
  const reach = await reachAs(account, data);
  const log = await openLog(logPath).catch(async (error: unknown) => {
    await reach.close();
    throw error;
  });
  try {
    const { size } = await log.stat();
    const options = serverOptions(port, settings);
    const args = ['start', '--silent', '--wait', `--timeout=${START_TIMEOUT_S}`, `--pgdata=${reach.path}`];
    const started = await run(binaries.pgCtl, [...args, `--options=${options}`], {
      account,
      inherit: reach.inherit,
      log: log.fd,
    });
    return started.code === 0 ? undefined : started.output || (await logSince(logPath, size));
  } finally {
    await Promise.all([reach.close(), log.close()]);
  }
}

/** For a machine that has other things to do: little memory, few processes, no socket file. */
function serverOptions(port: number, { durable, maxConnections }: ServerSettings): string {
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'cluster_name=gatehouse',
    `max_connections=${maxConnections}`,
    'shared_buffers=64MB',
    'max_parallel_workers_per_gather=0',
    'io_method=sync',
    'jit=off',
    'timezone=UTC',
    'log_timezone=UTC',
    'logging_collector=off',
    'log_checkpoints=off',
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ];
  return settings.map((setting) => `-c ${setting}`).join(' ');
}

async function openLog(path: string): Promise<FileHandle> {
  const log = await open(path, 'a', 0o600);
  if ((await log.stat()).size > LOG_LIMIT_BYTES) await log.truncate(0);
  if (isRoot()) {
    // What root creates in somebody's checkout must not stop that user's own next start.
    const { uid, gid } = await stat(join(path, '..'));
    await log.chown(uid, gid);
  }
  return log;
}

async function logSince(path: string, offset: number): Promise<string> {
  const log = await open(path, 'r');
  try {
    const { size } = await log.stat();
    const position = Math.max(offset, size - LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await log.read({ buffer: Buffer.alloc(LOG_TAIL_BYTES), position });
    return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  } finally {
    await log.close();
  }
}
