import { chownSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import accounts from '../../dist/src/database/embedded/account.js';
import clusters from '../../dist/src/database/embedded/cluster.js';
import processes from '../../dist/src/database/embedded/process.js';
import recovery from '../../dist/src/database/embedded/recovery.js';
import { freePort, until } from './processes.mjs';

/** The service is an ordinary role, as in production: what stops others stops it. */
export const ROLE = 'service';
const PASSWORD = 'as-good-as-none-on-127.0.0.1';

/** A durable PostgreSQL on one port for its whole life, however often it dies. */
export class Postgres {
  static async start(folder) {
    const dataDir = await accounts.prepareDataDir(join(folder, 'postgres'));
    await mkdir(dataDir, { recursive: true });
    const postgres = new Postgres();
    postgres.cluster = await clusters.openCluster(dataDir, true);
    postgres.port = await freePort();
    postgres.log = openSync(join(dataDir, 'postgres.log'), 'a', 0o600);
    const { account } = postgres.cluster;
    if (account) chownSync(join(dataDir, 'postgres.log'), account.uid, account.gid);
    process.on('exit', () => postgres.pid && processes.sendQuietly('SIGKILL', postgres.pid));
    await postgres.start();
    await postgres.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}'`, 'postgres');
    // An ordinary role makes no roles: the one for users' own rows is made for it, as deploy/sql/roles.sql does.
    await postgres.query(`CREATE ROLE gatehouse_tenant NOLOGIN NOINHERIT ROLE ${ROLE}`, 'postgres');
    await postgres.query(`CREATE DATABASE gatehouse OWNER ${ROLE}`, 'postgres');
    return postgres;
  }

  /** For the service, by way of another port. */
  url(port) {
    return `postgres://${ROLE}:${PASSWORD}@127.0.0.1:${port}/gatehouse`;
  }

  /** Resolves when it accepts connections. */
  async start() {
    const { account, data, binaries } = this.cluster;
    await recovery.clearAfterCrash(data, binaries.pgCtl);
    const reach = await processes.reachAs(account, data);
    const options = [
      `port=${this.port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=60',
      'shared_buffers=64MB',
      'io_method=sync',
      'jit=off',
    ];
    const args = ['start', '--silent', '--wait', `--pgdata=${reach.path}`];
    const { code, output } = await processes
      .run(binaries.pgCtl, [...args, `--options=${options.map((option) => `-c ${option}`).join(' ')}`], {
        account,
        inherit: reach.inherit,
        log: this.log,
      })
      .finally(reach.close);
    if (code !== 0) throw new Error(`PostgreSQL did not start: ${output}`);
    this.pid = await recovery.readServerPid(data);
  }

  /** `SIGQUIT` is an immediate stop: no checkpoint, no farewell. `SIGINT` is the fast one of a restart. */
  async stop(signal) {
    if (this.pid) processes.sendQuietly(signal, this.pid);
    await until('the end of PostgreSQL', () => !this.pid || !processes.isAlive(this.pid));
    this.pid = undefined;
  }

  /** As superuser and not over the wire of the service. */
  async query(sql, database = 'gatehouse') {
    const client = await this.connect(database);
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async connect(database = 'gatehouse') {
    const { password } = this.cluster;
    const client = new Client({
      host: '127.0.0.1',
      port: this.port,
      user: clusters.DATABASE_USER,
      password,
      database,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async setGlobally(setting) {
    await this.query(`ALTER SYSTEM ${setting}`);
    await this.query('SELECT pg_reload_conf()');
  }
}
