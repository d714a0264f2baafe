import { join } from 'node:path';
import { end, freePort, launch, listens, until } from './processes.mjs';

/** A Redis that keeps nothing on disk. */
export class Redis {
  static async start(folder) {
    const redis = new Redis();
    redis.port = await freePort();
    redis.log = join(folder, 'redis.log');
    await redis.start();
    return redis;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start() {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.child = launch('redis-server', args, { log: this.log });
    await until('Redis', () => listens(this.port));
  }

  kill() {
    return end(this.child, 'SIGKILL');
  }

  /** Connections stay open, and nothing answers. */
  suspend() {
    this.child.kill('SIGSTOP');
  }

  resume() {
    this.child.kill('SIGCONT');
  }
}
