import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import ThreadPool from 'piscina';
import { AppError } from '../../common/errors/app-error';
import type { CompareTask, HashTask, HashWorkerData } from './hash.worker';

/**
 * Jobs that may wait for each thread. At cost 12 a job takes about 0.25 s, so the last in the queue waits some 8 s;
 * a longer queue would work for clients that have given up.
 */
export const QUEUED_JOBS_PER_THREAD = 32;

/** Milliseconds after which a thread without work ends; one stays. A thread starts in about 0.1 s. */
const IDLE_TIMEOUT = 60_000;

/** `.js` as built; `.ts` under Jest, where Node strips the types of the worker itself. */
const WORKER = join(__dirname, `hash.worker${extname(__filename)}`);

/**
 * bcrypt in threads of its own: it blocks neither the event loop nor libuv's threads, on which the database's
 * `dns.lookup` depends. Nothing starts before the first job; idle threads do not keep the process alive.
 */
export class HashPool {
  private readonly logger = new Logger(HashPool.name);
  private readonly maxThreads = availableParallelism();
  private pool?: ThreadPool<HashTask | CompareTask, unknown>;
  private isClosed = false;
  private finished = 0;

  /** @param engine forces the pure JavaScript engine; for tests */
  constructor(private readonly engine?: HashWorkerData['engine']) {}

  /** @throws AppError `overloaded` when the queue is full, `unavailable` when the threads fail */
  hash(password: string, cost: number): Promise<string> {
    return this.run<string>('hash', { password, cost });
  }

  /**
   * Whether the password is that of the first hash. The others are compared for the time it takes.
   *
   * @throws AppError `overloaded` when the queue is full, `unavailable` when the threads fail
   */
  compare(password: string, hashes: string[]): Promise<boolean> {
    return this.run<boolean>('compare', { password, hashes });
  }

  /** Jobs that wait for a thread. */
  get queueSize(): number {
    return this.pool?.queueSize ?? 0;
  }

  /** Threads alive at the moment, 0 to the number of cores. */
  get threads(): number {
    return this.pool?.threads.length ?? 0;
  }

  /** Jobs done since the start. */
  get completed(): number {
    return this.finished;
  }

  /** Seconds that 99 % of the jobs had to wait for a thread at most. */
  get waitSeconds(): number {
    return (this.pool?.histogram.waitTime.p99 ?? 0) / 1000;
  }

  /** Ends the threads; jobs from now on are refused. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.pool?.destroy();
  }

  private async run<Result>(name: 'hash' | 'compare', task: HashTask | CompareTask): Promise<Result> {
    if (this.isClosed) throw new AppError('unavailable');
    const pool = (this.pool ??= this.open());
    // Those refused in one moment must not all come back in one moment.
    if (pool.queueSize >= this.maxThreads * QUEUED_JOBS_PER_THREAD)
      throw new AppError('overloaded', { retryAfter: randomInt(1, 6) });
    try {
      const result = (await pool.run(task, { name })) as Result;
      this.finished += 1;
      return result;
    } catch (cause) {
      if (pool.threads.length === 0) this.abandon(pool, cause);
      throw new AppError('unavailable', { cause });
    }
  }

  private open(): ThreadPool<HashTask | CompareTask, unknown> {
    const pool = new ThreadPool<HashTask | CompareTask, unknown>({
      filename: WORKER,
      name: 'hash',
      minThreads: 1,
      maxThreads: this.maxThreads,
      idleTimeout: IDLE_TIMEOUT,
      // Without it a job that finds no thread goes back to the end of the queue.
      stricterFIFO: true,
      workerData: { engine: this.engine } satisfies HashWorkerData,
    });
    return pool.on('error', (error: unknown) => this.abandon(pool, error));
  }

  /** Threads that cannot start leave the queue waiting for ever: what waits fails, the next job starts anew. */
  private abandon(pool: ThreadPool<HashTask | CompareTask, unknown>, err: unknown): void {
    if (this.pool !== pool || this.isClosed) return;
    this.pool = undefined;
    this.logger.error({ event: 'password.pool_failed', err, msg: 'the hashing threads failed' });
    void pool.destroy();
  }
}
