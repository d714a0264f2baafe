import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import ThreadPool from 'piscina';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { AppError } from '../../common/errors/app-error';
import { currentCaller } from '../../common/load/caller';
import { FairGate } from '../../common/load/fair-gate';
import type { LoadShedding } from '../../common/load/load-shedding';
import type { CompareTask, HashTask, HashWorkerData } from './hash.worker';

/**
 * Jobs that may wait for each thread. At cost 12 a job takes about 0.25 s, so the last in the queue waits some 8 s;
 * a longer queue would work for clients that have given up.
 */
export const QUEUED_JOBS_PER_THREAD = 32;

/** Milliseconds. Under a flood, an address that was served a little more than the others could wait for ever. */
const LONGEST_WAIT = 10_000;

/** Milliseconds after which a thread without work ends; one stays. A thread starts in about 0.1 s. */
const IDLE_TIMEOUT = 60_000;

/**
 * What the threads are nicer than the event loop, which so gets the core at once when it has something to do. Only on
 * Linux has each thread a niceness of its own. Nothing happens where the optional `@napi-rs/nice` has no binary.
 */
const NICENESS = process.platform === 'linux' ? 10 : 0;

/** `.js` as built; `.ts` under Jest, where Node strips the types of the worker itself. */
const WORKER = join(__dirname, `hash.worker${extname(__filename)}`);

interface HashPoolOptions {
  registry: Registry;
  shedding: LoadShedding;
  /** Forces the pure JavaScript engine; for tests. */
  engine?: HashWorkerData['engine'];
}

/**
 * bcrypt in threads of its own: it blocks neither the event loop nor libuv's threads, on which the database's
 * `dns.lookup` depends. Nothing starts before the first job; idle threads do not keep the process alive. What the threads
 * cannot take at once waits before a gate where each client address has a fair share.
 */
export class HashPool {
  private readonly logger = new Logger(HashPool.name);
  private readonly maxThreads = availableParallelism();
  private readonly engine: HashWorkerData['engine'];
  private readonly gate: FairGate;
  private readonly runTime: Histogram;
  private pool?: ThreadPool<HashTask | CompareTask, unknown>;
  private isClosed = false;

  constructor({ registry, shedding, engine }: HashPoolOptions) {
    const registers = [registry];
    const waitTime = new Histogram({
      name: 'gatehouse_hash_wait_seconds',
      help: 'Time that passwords waited before they were hashed',
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16],
      registers,
    });
    this.runTime = new Histogram({
      name: 'gatehouse_hash_seconds',
      help: 'Time that hashing a password took, without the waiting',
      buckets: [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2, 4],
      registers,
    });
    this.engine = engine;
    this.gate = new FairGate({
      width: this.maxThreads,
      room: this.maxThreads * QUEUED_JOBS_PER_THREAD,
      patience: LONGEST_WAIT,
      refuse: (reason) => shedding.refuse(reason),
      onAdmitted: (seconds) => waitTime.observe(seconds),
    });
    const { gate } = this;
    registry.registerMetric(
      new Gauge({
        name: 'gatehouse_hash_queue_depth',
        help: 'Passwords that wait to be hashed',
        registers: [],
        collect() {
          this.set(gate.queueSize);
        },
      }),
    );
    shedding.addGate(gate);
  }

  /** @throws AppError `overloaded` when the gate is full, `unavailable` when the threads fail */
  hash(password: string, cost: number): Promise<string> {
    return this.run<string>('hash', { password, cost });
  }

  /**
   * Whether the password is that of the first hash. The others are compared for the time it takes.
   *
   * @throws AppError `overloaded` when the gate is full, `unavailable` when the threads fail
   */
  compare(password: string, hashes: string[]): Promise<boolean> {
    return this.run<boolean>('compare', { password, hashes });
  }

  /** Jobs that wait for a thread. */
  get queueSize(): number {
    return this.gate.queueSize;
  }

  /** Threads alive at the moment, 0 to the number of cores. */
  get threads(): number {
    return this.pool?.threads.length ?? 0;
  }

  /** Ends the threads; what runs, what waits and jobs from now on are refused. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.pool?.destroy();
  }

  private async run<Result>(name: 'hash' | 'compare', task: HashTask | CompareTask): Promise<Result> {
    if (this.isClosed) throw new AppError('unavailable');
    return this.gate.pass(currentCaller(), async () => {
      const pool = (this.pool ??= this.open());
      const stopTimer = this.runTime.startTimer();
      try {
        const result = (await pool.run(task, { name })) as Result;
        stopTimer();
        return result;
      } catch (cause) {
        if (pool.threads.length === 0) this.abandon(pool, cause);
        throw new AppError('unavailable', { cause });
      }
    });
  }

  private open(): ThreadPool<HashTask | CompareTask, unknown> {
    const pool = new ThreadPool<HashTask | CompareTask, unknown>({
      filename: WORKER,
      name: 'hash',
      minThreads: 1,
      maxThreads: this.maxThreads,
      idleTimeout: IDLE_TIMEOUT,
      niceIncrement: NICENESS,
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
    this.gate.dismiss(new AppError('unavailable', { cause: err }));
    void pool.destroy();
  }
}
