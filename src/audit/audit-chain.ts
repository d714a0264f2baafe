import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { AuditKeys, type LinkContent } from './audit-keys';
import {
  EVENT_COLUMNS,
  eventOf,
  LINK_COLUMNS,
  linkOf,
  type EventRow,
  type LinkRow,
  type StoredEvent,
} from './audit-rows';

/** The newest link. */
export interface Head {
  sequence: number;
  hash: Buffer;
}

export type Entry = Pick<LinkContent, 'month' | 'eventId' | 'eventCreatedAt' | 'eventMac' | 'dropped'>;

export interface Pending {
  eventId: string;
  eventCreatedAt: Date;
  /** Absent where it was removed behind the service's back. */
  event?: StoredEvent;
}

/** Whoever holds the lock and stops without a word, such as a frozen process, is cut off after this. */
const HELD_AT_MOST_MS = 5_000;

/**
 * The chain in the database. Each link is a keyed hash over the link before, its sequence and its event; sequences are
 * gapless over all months. One process links at a time: it holds the row of `audit_head`.
 */
@Injectable()
export class AuditChain {
  constructor(
    private readonly keys: AuditKeys,
    private readonly clock: Clock,
  ) {}

  /** When the event happened that has waited longest for its link; undefined where none waits. */
  async oldestPending(tx: EntityManager): Promise<Date | undefined> {
    const [oldest] = await tx.query<{ at: Date }[]>(
      'SELECT event_created_at AS at FROM audit_pending ORDER BY position LIMIT 1',
    );
    return oldest?.at;
  }

  /** Becomes the one who links, until the end of the transaction. False where another process is. */
  async lock(tx: EntityManager, { isPatient }: { isPatient: boolean }): Promise<boolean> {
    const locked = await tx.query<unknown[]>(
      `SELECT set_config('idle_in_transaction_session_timeout', $1, true)
       FROM audit_head FOR UPDATE ${isPatient ? '' : 'SKIP LOCKED'}`,
      [String(HELD_AT_MOST_MS)],
    );
    return locked.length > 0;
  }

  /** What `audit_head` says and what the newest link is: where nobody meddled, the same. Needs the lock. */
  async heads(tx: EntityManager): Promise<{ noted: Head; newest: Head }> {
    const [row] = await tx.query<
      { sequence: string; hash: Buffer; newest: string | null; newestHash: Buffer }[]
    >(
      `SELECT head.sequence, head.hash, newest.sequence AS newest, newest.hash AS "newestHash" FROM audit_head AS head
       LEFT JOIN LATERAL (SELECT sequence, hash FROM audit_links ORDER BY sequence DESC LIMIT 1) AS newest ON true`,
    );
    const { sequence, hash, newest, newestHash } = row!;
    return {
      noted: { sequence: Number(sequence), hash },
      newest: newest === null ? START : { sequence: Number(newest), hash: newestHash },
    };
  }

  async hashAt(sequence: number, tx: EntityManager): Promise<Buffer | undefined> {
    const [link] = await tx.query<{ hash: Buffer }[]>('SELECT hash FROM audit_links WHERE sequence = $1', [
      sequence,
    ]);
    return link?.hash;
  }

  /**
   * Takes the events that have waited longest, each once, but for those that have a link. Needs the lock. They are looked
   * up one by one (LATERAL): joined all at once, PostgreSQL may read the whole trail, for it sees no month to leave out.
   */
  async takePending(limit: number, tx: EntityManager): Promise<{ taken: number; pending: Pending[] }> {
    const rows = await tx.query<(EventRow & { eventId: string; eventCreatedAt: Date; isLinked: boolean })[]>(
      `WITH taken AS (
         DELETE FROM audit_pending WHERE position IN (SELECT position FROM audit_pending ORDER BY position LIMIT $1)
         RETURNING position, event_id, event_created_at)
       SELECT taken.event_id AS "eventId", taken.event_created_at AS "eventCreatedAt", ${EVENT_COLUMNS},
         EXISTS (SELECT FROM audit_links WHERE event_id = taken.event_id
           AND month = date_trunc('month', taken.event_created_at AT TIME ZONE 'UTC')::date) AS "isLinked"
       FROM taken
       LEFT JOIN LATERAL (SELECT * FROM audit_events WHERE created_at = taken.event_created_at AND id = taken.event_id
         LIMIT 1) AS e ON true
       ORDER BY taken.event_created_at, taken.position`,
      [limit],
    );
    const pending = new Map<string, Pending>();
    for (const row of rows.filter(({ isLinked }) => !isLinked)) {
      const { eventId, eventCreatedAt } = row;
      pending.set(eventId, { eventId, eventCreatedAt, event: eventOf(row) });
    }
    return { taken: rows.length, pending: [...pending.values()] };
  }

  /** Links entries after `last` and returns the new head. Needs the lock. */
  async append(last: Head, entries: Entry[], tx: EntityManager): Promise<Head> {
    if (entries.length === 0) return last;
    const sealedAt = this.clock.now();
    let head = last;
    const links = entries.map((entry) => {
      const link = { ...entry, sequence: head.sequence + 1, previousHash: head.hash, sealedAt };
      head = { sequence: link.sequence, hash: this.keys.hash(link) };
      return { ...link, hash: head.hash };
    });
    const column = <Name extends keyof (typeof links)[number]>(name: Name) => links.map((link) => link[name]);
    await tx.query(
      `INSERT INTO audit_links
         (sequence, month, event_id, event_created_at, event_mac, dropped, previous_hash, hash, sealed_at)
       SELECT *, $9 FROM unnest($1::bigint[], $2::date[], $3::uuid[], $4::timestamptz[], $5::bytea[],
         $6::int8multirange[], $7::bytea[], $8::bytea[])`,
      [
        column('sequence'),
        column('month'),
        column('eventId'),
        column('eventCreatedAt'),
        column('eventMac'),
        column('dropped'),
        column('previousHash'),
        column('hash'),
        sealedAt,
      ],
    );
    await tx.query('UPDATE audit_head SET sequence = $1, hash = $2', [head.sequence, head.hash]);
    return head;
  }

  /** All sequences that retention has removed, as its newest genuine record says; an empty multirange where there is none. */
  async dropped(tx: EntityManager): Promise<string> {
    const records = await tx.query<LinkRow[]>(
      `SELECT ${LINK_COLUMNS} FROM audit_links AS l WHERE dropped IS NOT NULL ORDER BY sequence DESC LIMIT 10`,
    );
    const genuine = records.map(linkOf).find((link) => this.keys.judgeLink(link) === 'genuine');
    return genuine?.dropped ?? '{}';
  }
}

export const START: Head = { sequence: 0, hash: Buffer.alloc(0) };
