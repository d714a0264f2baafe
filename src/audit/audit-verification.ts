import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import type { AuditAction } from './actions';
import { AuditChain } from './audit-chain';
import { AuditInspection, type AuditProblem, type Forgotten } from './audit-inspection';
import { AuditKeys } from './audit-keys';
import { EVENT_COLUMNS, eventOf, LINK_COLUMNS, linkOf, type EventRow, type LinkRow } from './audit-rows';
import { rangesOf } from './sequence-ranges';

/** A newest link that was written down elsewhere: in the log, as `audit.sealed`, or by an earlier verification. */
export interface ExpectedHead {
  sequence: number;
  /** Hexadecimal. */
  hash: string;
}

export interface VerifyOptions {
  /** It must still be in the chain: without it, nobody can tell that the newest links were cut off. */
  expectedHead?: ExpectedHead;
  /** Called for every problem as it is found: the report keeps the first thousand only. */
  onProblem?: (problem: AuditProblem) => void;
}

export interface AuditReport {
  events: number;
  links: number;
  /** Of the links that are there; those before went by retention. */
  firstSequence?: number;
  lastSequence?: number;
  /** The newest link. Written down elsewhere, it proves at the next verification that nothing was cut off. */
  head?: ExpectedHead;
  /** Events of the last minute that have no link yet. */
  unsealed: number;
  problemCount: number;
  /** The first thousand. */
  problems: AuditProblem[];
}

const PAGE = 1_000;
const MAX_KEPT = 1_000;
/** What forgets addresses and devices of a user's events. */
const FORGETTING: AuditAction[] = ['account.deleted', 'account.unverified_removed'];

interface Reading {
  tx: EntityManager;
  inspection: AuditInspection;
  tell: (problem: AuditProblem) => void;
}

/** Reads the whole trail, a page at a time and as of one moment, and says what is not as the service wrote it. */
@Injectable()
export class AuditVerification {
  constructor(
    private readonly keys: AuditKeys,
    private readonly chain: AuditChain,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  async run({ expectedHead, onProblem }: VerifyOptions): Promise<AuditReport> {
    const problems: AuditProblem[] = [];
    let problemCount = 0;
    const tell = (problem: AuditProblem) => {
      if (problemCount++ < MAX_KEPT) problems.push(problem);
      onProblem?.(problem);
    };
    return this.atOneMoment(async (tx) => {
      const dropped = rangesOf(await this.chain.dropped(tx));
      const inspection = new AuditInspection(this.keys, dropped, this.clock.now(), tell);
      const reading = { tx, inspection, tell };
      await this.readLinks(reading);
      inspection.end((await this.chain.heads(tx)).noted);
      if (expectedHead) await this.expect(expectedHead, reading);
      const events = await this.readEvents(reading);
      const { links, unsealed, first, last } = inspection;
      const head = last && { sequence: last.sequence, hash: last.hash.toString('hex') };
      return {
        events,
        links,
        firstSequence: first?.sequence,
        lastSequence: last?.sequence,
        head,
        unsealed,
        problemCount,
        problems,
      };
    });
  }

  /** However long the reading takes, and whatever is written meanwhile. */
  private atOneMoment<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction('REPEATABLE READ', async (tx) => {
      await tx.query('SET TRANSACTION READ ONLY');
      await tx.query(`SET LOCAL idle_in_transaction_session_timeout = 0`);
      return work(tx);
    });
  }

  /** In the order of their sequences, over all months. */
  private async readLinks({ tx, inspection, tell }: Reading): Promise<void> {
    for (let after: [number, string] = [0, '-infinity']; ;) {
      const rows = await tx.query<(LinkRow & EventRow)[]>(
        `SELECT ${LINK_COLUMNS}, ${EVENT_COLUMNS}
         FROM (SELECT * FROM audit_links WHERE (sequence, month) > ($1, $2) ORDER BY sequence, month LIMIT ${PAGE}) AS l
         LEFT JOIN audit_events AS e ON e.created_at = l.event_created_at AND e.id = l.event_id
         ORDER BY l.sequence, l.month`,
        after,
      );
      const forgotten = rows.flatMap((row) => inspection.link(linkOf(row), eventOf(row)) ?? []);
      await this.justify(forgotten, { tx, inspection, tell });
      if (rows.length < PAGE) return;
      const { sequence, month } = rows.at(-1)!;
      after = [Number(sequence), month];
    }
  }

  /** Addresses and devices are forgotten with the account; otherwise somebody has wiped a track. */
  private async justify(forgotten: Forgotten[], { tx, tell }: Reading): Promise<void> {
    if (forgotten.length === 0) return;
    const deletions = await tx.query<{ userId: string }[]>(
      `SELECT DISTINCT user_id AS "userId" FROM audit_events WHERE user_id = ANY($1) AND action = ANY($2)`,
      [[...new Set(forgotten.map(({ userId }) => userId))], FORGETTING],
    );
    const deleted = new Set(deletions.map(({ userId }) => userId));
    for (const { userId, problem } of forgotten) if (!deleted.has(userId)) tell(problem);
  }

  /** Returns how many there are. */
  private async readEvents({ tx, inspection }: Reading): Promise<number> {
    let count = 0;
    let after: [Date, string] = [new Date(0), NIL];
    for (;;) {
      const rows = await tx.query<(EventRow & { createdAt: Date; id: string; isLinked: boolean })[]>(
        `SELECT ${EVENT_COLUMNS}, EXISTS (SELECT FROM audit_links AS l
           WHERE l.event_id = e.id AND l.event_created_at = e.created_at
             AND l.month = date_trunc('month', e.created_at AT TIME ZONE 'UTC')::date) AS "isLinked"
         FROM audit_events AS e WHERE (e.created_at, e.id) > ($1, $2)
         ORDER BY e.created_at, e.id LIMIT ${PAGE}`,
        after,
      );
      count += rows.length;
      for (const row of rows) if (!row.isLinked) inspection.unlinked(eventOf(row)!);
      if (rows.length < PAGE) return count;
      const { createdAt, id } = rows.at(-1)!;
      after = [createdAt, id];
    }
  }

  private async expect({ sequence, hash }: ExpectedHead, { tx, inspection, tell }: Reading): Promise<void> {
    const found = await this.chain.hashAt(sequence, tx);
    const at = inspection.last?.sealedAt ?? this.clock.now();
    if (!found) inspection.gap({ first: sequence, last: sequence }, at);
    else if (found.toString('hex') !== hash.toLowerCase()) tell({ kind: 'altered', sequence, at });
  }
}

const NIL = '00000000-0000-0000-0000-000000000000';
