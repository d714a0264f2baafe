import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '../../common/clock';
import { placesFrom } from '../../database/rows';
import type { LoginFailure } from './login-failure.entity';
import { DELAYS_S, LONGEST_DELAY_S, MOST_CONSECUTIVE, SERIES_ENDS_AFTER_S } from './schedule';

/** What a wrong password has led to. */
export interface CountedFailure {
  /** Seconds; absent where the next attempt may come at once. */
  retryAfter?: number;
  /** Whether the longest block begins here for the first time in this series. */
  isLongestFirst: boolean;
  /** Whether this was the last attempt before a reset. */
  isLast: boolean;
}

/** Refused without a look at the password. */
export interface Refusal {
  /** Seconds. */
  retryAfter: number;
}

/** The blocks that stand at one moment. */
export class Blocks {
  private readonly untilById: Map<string, number>;

  constructor(
    rows: Pick<LoginFailure, 'id' | 'blockedUntil'>[],
    private readonly now: number,
  ) {
    this.untilById = new Map(rows.map(({ id, blockedUntil }) => [id.toString('hex'), Number(blockedUntil)]));
  }

  refusalOf(id: Buffer): Refusal | undefined {
    const until = this.untilById.get(id.toString('hex'));
    return until === undefined ? undefined : { retryAfter: secondsUntil(until, this.now) };
  }

  isForGood(id: Buffer): boolean {
    return this.untilById.get(id.toString('hex')) === Infinity;
  }
}

type Row = Pick<LoginFailure, 'id' | 'failures' | 'consecutive' | 'blockedUntil'>;

const COLUMNS = 'id, failures, consecutive, blocked_until AS "blockedUntil"';

/**
 * The count of wrong passwords. It lies in PostgreSQL, so that it is one for all replicas and outlives each of them, and
 * a guess counts when it is answered: of however many at once, those that come to be answered after a block has begun
 * are refused, be they right or wrong.
 */
@Injectable()
export class LoginFailures {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  async blocksOf(ids: Buffer[]): Promise<Blocks> {
    const now = this.clock.now();
    const rows = await this.dataSource.query<Row[]>(
      `SELECT ${COLUMNS} FROM login_failures WHERE id IN ${placesFrom(2, ids.length)} AND blocked_until > $1`,
      [now, ...ids],
    );
    return new Blocks(rows, now.getTime());
  }

  /**
   * Counts a wrong password, and blocks. One statement decides: it waits for those before it and sees what they wrote.
   *
   * @returns undefined where a block has begun since the caller looked: then nothing is counted, and nothing may be told
   */
  async count(id: Buffer, tx: EntityManager): Promise<CountedFailure | undefined> {
    const now = this.clock.now();
    const [row] = await tx.query<Row[]>(
      `INSERT INTO login_failures AS known (id, failures, consecutive, last_failed_at, blocked_until)
       VALUES ($1, 1, 1, $2, $2::timestamptz + make_interval(secs => nullif(($3::int[])[1], 0)))
       ON CONFLICT (id) DO UPDATE SET (failures, consecutive, last_failed_at, blocked_until) = (
         SELECT series, total, $2, CASE
           WHEN total >= $4 THEN 'infinity'
           ELSE $2::timestamptz + make_interval(secs => nullif(($3::int[])[least(series, cardinality($3::int[]))], 0))
         END
         FROM (SELECT known.consecutive + 1 AS total, CASE
           WHEN coalesce(known.blocked_until, known.last_failed_at) + make_interval(secs => $5) <= $2 THEN 1
           ELSE known.failures + 1
         END AS series) AS next)
       WHERE known.blocked_until IS NULL OR known.blocked_until <= $2
       RETURNING ${COLUMNS}`,
      [id, now, DELAYS_S, MOST_CONSECUTIVE, SERIES_ENDS_AFTER_S],
    );
    if (!row) return undefined;
    const isLast = row.consecutive === MOST_CONSECUTIVE;
    return {
      ...(row.blockedUntil === null ? {} : { retryAfter: secondsUntil(row.blockedUntil, now.getTime()) }),
      isLongestFirst: !isLast && row.failures === DELAYS_S.length,
      isLast,
    };
  }

  /**
   * Takes a right password, and forgets what was counted before it.
   *
   * @returns how many wrong ones came before, or a refusal where a block has begun since the caller looked
   */
  async accept(id: Buffer, others: Buffer[], tx = this.dataSource.manager): Promise<number | Refusal> {
    for (;;) {
      const now = this.clock.now();
      const ids = [id, ...others];
      const rows = await tx.query<Row[]>(
        `SELECT ${COLUMNS} FROM login_failures WHERE id IN ${placesFrom(1, ids.length)}`,
        ids,
      );
      const row = rows.find((found) => found.id.equals(id));
      const until = Number(row?.blockedUntil ?? 0);
      if (until > now.getTime()) return { retryAfter: secondsUntil(until, now.getTime()) };
      // Where it has changed since, whoever changed it came first: look again.
      if (row && !(await this.removeUnblocked(row, now, tx))) continue;
      if (rows.some((found) => found !== row)) await this.clear(others, tx);
      return row?.consecutive ?? 0;
    }
  }

  /** Forgets everything counted: who asks for it has proven the mailbox, or is gone. */
  async clear(ids: Buffer[], tx: EntityManager): Promise<void> {
    await tx.query(`DELETE FROM login_failures WHERE id IN ${placesFrom(1, ids.length)}`, ids);
  }

  private async removeUnblocked({ id }: Row, now: Date, tx: EntityManager): Promise<boolean> {
    const [, removed] = await tx.query<[unknown[], number]>(
      'DELETE FROM login_failures WHERE id = $1 AND (blocked_until IS NULL OR blocked_until <= $2)',
      [id, now],
    );
    return removed === 1;
  }
}

/** At least 1; a block for good is told like the longest one that ends. */
function secondsUntil(until: Date | number, now: number): number {
  return Math.min(LONGEST_DELAY_S, Math.max(1, Math.ceil((Number(until) - now) / 1000)));
}
