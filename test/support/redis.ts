import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './server';

/** Debian's package and the usual places of others. */
export const REDIS_BINARY = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find(existsSync);

/** A real Redis on a free port, which keeps nothing on disk. */
export class RedisServer {
  private process?: ChildProcess;

  private constructor(readonly port: number) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.process = spawn(REDIS_BINARY!, args, { stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries++) {
      if (this.isUp()) return;
      await sleep(25);
    }
    throw new Error('Redis did not start');
  }

  /** Ends it, or suspends it (SIGSTOP: connections stay open and nothing answers) and lets it go on (SIGCONT). */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const ended = signal === 'SIGKILL' ? once(this.process!, 'close') : undefined;
    this.process!.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    if (this.process?.exitCode === null && this.process.signalCode === null) await this.signal('SIGKILL');
  }

  private isUp(): boolean {
    try {
      return execFileSync('redis-cli', ['-p', String(this.port), 'ping'], { stdio: 'pipe' }).includes('PONG');
    } catch {
      return false;
    }
  }
}
