import { setTimeout as sleep } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { PgBoss, SendOptions } from 'pg-boss';
import { DataSource, type EntityManager } from 'typeorm';
import { newId } from '../common/crypto/tokens';
import { AppError } from '../common/errors/app-error';
import { AfterCommit } from '../database/after-commit';
import { createBoss, createPromisingBoss, inTransaction, poolOf, SCHEMA } from './boss';
import { Crew } from './crew';
import { describe, type JobHandler } from './job';
import { QUEUES, type QueueName, type QueueSettings } from './queues';
import { Throttle } from '../common/throttle';

/** Work begins with a connection for each worker. Whoever waits for the service to answer would wait for them all. */
const START_AFTER_MS = 500;
const RESTART_AFTER_MS = 2_000;
/** For jobs under way to finish when the process stops, and then for the rest to be handed back. */
const FINISH_MS = 8_000;
const STOP_MS = 10_000;
const HURRY_AT_MOST = 1_000;

export type JobOptions = Pick<
  SendOptions,
  'retryLimit' | 'retryDelayMax' | 'retentionSeconds' | 'retryBackoff'
>;

export interface QueueDepth {
  /** Jobs that are due or waiting for their next try. */
  waiting: number;
  /** Jobs that were given up and are kept for a person. */
  parked: number;
  /** Age of the oldest waiting job in seconds; 0 where none waits. */
  oldestSeconds: number;
}

export interface ParkedJob {
  /** The one it had when it was promised. */
  id: string;
  data: object;
  promisedAt: Date | null;
  parkedAt: Date;
  tries: number | null;
  /** What its last try has left to be read. */
  reason: Record<string, unknown> | null;
}

/** Work that outlives the request: promised in its transaction, done afterwards, by this or another process. */
@Injectable()
export class Jobs implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger(Jobs.name);
  /** Makes promises, from before the first request until after the last. */
  private readonly promising: PgBoss;
  private readonly working: PgBoss;
  private canPromise = false;
  private readonly crews = new Map<QueueName, Crew>();
  private readonly schedules = new Map<QueueName, string>();
  private readonly throttle = new Throttle();
  private readonly stopping = new AbortController();
  private started: Promise<void> = Promise.resolve();

  constructor(
    private readonly dataSource: DataSource,
    private readonly afterCommit: AfterCommit,
  ) {
    this.promising = createPromisingBoss(dataSource);
    this.working = createBoss(dataSource);
    for (const boss of [this.promising, this.working]) {
      boss.on('error', (error) => this.report(error));
      boss.on('warning', ({ message }) => this.logger.warn({ event: 'jobs.warning', msg: message }));
    }
  }

  /** Names the one handler of a queue. Call it in `onModuleInit`: work begins when the application has started. */
  work<Data extends object>(queue: QueueName, handler: JobHandler<Data>): void {
    // Here, while the application starts, rather than later, when it would keep the other queues from being worked.
    if (!(queue in QUEUES)) throw new Error(`The queue ${String(queue)} is not listed in queues.ts`);
    if (this.crews.has(queue)) throw new Error(`The queue ${queue} has a handler already`);
    this.crews.set(queue, new Crew(queue, handler as JobHandler, this.throttle));
  }

  /**
   * Enqueues a job of the queue at these times, once over all replicas. A time that passed while no process ran is made
   * up for, once. Call it in `onModuleInit`.
   *
   * @param cron five fields, in UTC, not finer than a minute
   */
  schedule(queue: QueueName, cron: string): void {
    this.schedules.set(queue, cron);
  }

  /**
   * Promises a job as part of the caller's transaction: there is one if it is committed and none if it is rolled back.
   *
   * @throws AppError `unavailable` while the database has been away since the start
   */
  async enqueue(queue: QueueName, data: object, options: JobOptions, tx: EntityManager): Promise<string> {
    // To wait here, with the connection of the transaction, would keep it from those that `prepare` needs.
    if (!this.canPromise) throw new AppError('unavailable');
    const id = await inTransaction(tx, () => this.promising.send(queue, data, { ...options, id: newId() }));
    if (id === null) throw new Error(`The queue ${queue} refused a job`);
    // The workers of other processes find it when they look next; a NOTIFY would lock the whole database at commit.
    this.afterCommit.once(tx, queue, () => this.crews.get(queue)?.nudge(this.working));
    return id;
  }

  /** Makes failed jobs due now, the oldest first: what kept them from succeeding is over. */
  async hurry(queue: QueueName): Promise<void> {
    await poolOf(this.dataSource).query(
      `UPDATE ${SCHEMA}.job SET start_after = now() WHERE name = $1 AND id IN (
         SELECT id FROM ${SCHEMA}.job WHERE name = $1 AND state = 'retry' AND start_after > now()
         ORDER BY created_on LIMIT ${HURRY_AT_MOST})`,
      [queue],
    );
    this.crews.get(queue)?.nudge(this.working);
  }

  /** The jobs that were given up and are kept for a person, the oldest first. */
  async parked(queue: QueueName, limit: number): Promise<ParkedJob[]> {
    const { rows } = await poolOf(this.dataSource).query<ParkedJob>(
      `SELECT coalesce(source_id, id) AS id, data, created_on AS "parkedAt", source_created_on AS "promisedAt",
         source_retry_count + 1 AS tries, source_output AS reason
       FROM ${SCHEMA}.job WHERE name = $1 ORDER BY created_on, id LIMIT $2`,
      [parkingOf(queue), limit],
    );
    return rows;
  }

  /**
   * Sends parked jobs on their way again, with all the tries that their queue gives, as part of the caller's transaction.
   *
   * @param id one of them; all where absent
   * @returns the data of those that were moved
   */
  async retryParked<Data extends object>(
    queue: QueueName,
    id: string | undefined,
    tx: EntityManager,
  ): Promise<Data[]> {
    const [rows] = await tx.query<[{ data: Data }[], number]>(
      `UPDATE ${SCHEMA}.job AS parked
       SET name = queue.name, start_after = now(), keep_until = now() + queue.retention_seconds * interval '1 second',
         retry_limit = queue.retry_limit, retry_delay = queue.retry_delay, retry_backoff = queue.retry_backoff,
         retry_delay_max = queue.retry_delay_max, expire_seconds = queue.expire_seconds,
         heartbeat_seconds = queue.heartbeat_seconds, dead_letter = queue.dead_letter
       FROM ${SCHEMA}.queue AS queue
       WHERE queue.name = $1 AND parked.name = $2 AND ($3::uuid IS NULL OR $3 IN (parked.source_id, parked.id))
       RETURNING parked.data`,
      [queue, parkingOf(queue), id ?? null],
    );
    return rows.map(({ data }) => data);
  }

  /** Removes the jobs whose data has these fields, done or not, as part of the caller's transaction. */
  async remove(queue: QueueName, data: Record<string, string>, tx: EntityManager): Promise<void> {
    await tx.query(`DELETE FROM ${SCHEMA}.job WHERE name = $1 AND data @> $2`, [queue, data]);
  }

  async depth(queue: QueueName): Promise<QueueDepth> {
    const { deadLetter }: QueueSettings['policy'] = QUEUES[queue].policy;
    const { rows } = await poolOf(this.dataSource).query<{
      waiting: number;
      parked: number;
      oldest: number | null;
    }>(
      `SELECT count(*) FILTER (WHERE name = $1)::int AS waiting, count(*) FILTER (WHERE name = $2)::int AS parked,
         extract(epoch FROM now() - min(created_on) FILTER (WHERE name = $1))::float8 AS oldest
       FROM ${SCHEMA}.job WHERE name IN ($1, $2) AND state < 'active' AND NOT blocked`,
      [queue, deadLetter ?? null],
    );
    const { waiting, parked, oldest } = rows[0]!;
    return { waiting, parked, oldestSeconds: Math.max(0, Math.floor(oldest ?? 0)) };
  }

  /** Promises can be made once it is over. A database that is away at the moment does not keep the service from starting. */
  async onApplicationBootstrap(): Promise<void> {
    await this.prepare().catch((error: unknown) => this.report(error));
    this.started = this.start();
  }

  /** Before the database connections are closed. Jobs under way are finished; what takes too long is handed back. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.race([this.stop(), sleep(STOP_MS, undefined, { ref: false })]);
  }

  /** When no request is under way any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.promising.stop({ graceful: false, close: false });
  }

  /** Once, and again after a failure. */
  protected async prepare(): Promise<void> {
    if (this.canPromise) return;
    await begin(this.promising);
    this.canPromise = true;
  }

  private async start(): Promise<void> {
    await this.pause(START_AFTER_MS);
    while (!this.stopping.signal.aborted) {
      try {
        await this.prepare();
        await begin(this.working);
        for (const crew of this.crews.values()) await crew.join(this.working);
        for (const [queue, cron] of this.schedules)
          await this.working.schedule(queue, cron, null, { missed: 'once' });
        return;
      } catch (error) {
        this.report(error);
        await this.pause(RESTART_AFTER_MS);
      }
    }
  }

  /** Until the process stops, at the longest. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private async stop(): Promise<void> {
    await this.started;
    const finished = Promise.all(
      [...this.crews.keys()].map((queue) => this.working.offWork(queue, { wait: true })),
    );
    await Promise.race([finished, sleep(FINISH_MS, undefined, { ref: false })]);
    await this.working.stop({ graceful: false, close: false });
  }

  private report(error: unknown): void {
    // Statements that were cut by the end of the process are no news.
    if (this.stopping.signal.aborted) return;
    const details = describe(error);
    const { message = '', queue } = error as { message?: string; queue?: string };
    const reason = message.replace(/ \(Queue: .*$/s, '');
    const suppressed = this.throttle.pass(`error ${details.code ?? reason}`);
    if (suppressed === undefined) return;
    const msg = 'the job queue met an error and goes on';
    this.logger.error({ event: 'jobs.error', queue, ...details, reason, suppressed, msg });
  }
}

/** What a failed start has set going is stopped, or the next start would set it going twice. */
async function begin(boss: PgBoss): Promise<void> {
  try {
    await boss.start();
  } catch (error) {
    await boss.stop({ graceful: false, close: false });
    throw error;
  }
}

/** @throws Error for a queue that parks nothing */
function parkingOf(queue: QueueName): QueueName {
  const { deadLetter }: QueueSettings['policy'] = QUEUES[queue].policy;
  if (!deadLetter) throw new Error(`The queue ${queue} parks nothing`);
  return deadLetter as QueueName;
}
