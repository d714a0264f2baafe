import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Transactions } from '../database/transactions';
import { AuditChain } from './audit-chain';
import { AuditKeys } from './audit-keys';
import { LINK_COLUMNS, linkOf, type LinkRow } from './audit-rows';
import { extend, multirangeOf, type SequenceRange } from './sequence-ranges';

const PAGE = 1_000;

/** The partitions of the trail. They are made and dropped by functions of the role that migrates. */
@Injectable()
export class AuditMonths {
  constructor(
    private readonly chain: AuditChain,
    private readonly keys: AuditKeys,
    private readonly transactions: Transactions,
    private readonly dataSource: DataSource,
  ) {}

  /** Months with a partition, or with events or links that found none; as 2026-11-01, the oldest first. */
  async list(): Promise<string[]> {
    const rows = await this.dataSource.query<{ month: string }[]>(
      `SELECT to_date(right(relname, 7), 'YYYY_MM')::text AS month FROM pg_inherits
         JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'audit_events'::regclass AND relname ~ '_\\d{4}_\\d{2}$'
       UNION SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date::text FROM audit_events_default
       UNION SELECT month::text FROM audit_links_default
       ORDER BY month`,
    );
    return rows.map(({ month }) => month);
  }

  /** Makes a partition and moves into it what found none. Returns false where it is there already. */
  async add(month: string): Promise<boolean> {
    const [row] = await this.dataSource.query<{ isNew: boolean }[]>('SELECT add_audit_month($1) AS "isNew"', [
      month,
    ]);
    return row!.isNew;
  }

  /**
   * Drops a month, events and links. The chain gets a record of the sequences that went, so that the verification can
   * tell them from removed ones. Links that are not genuine are not on it: retention covers nobody's tracks.
   *
   * @returns how many links went
   * @throws where the month ended less than 30 days ago, or something is linked into it at this moment
   */
  async drop(month: string): Promise<number> {
    const { links, newest, ranges } = await this.linksOf(month);
    await this.transactions.run(async (tx) => {
      await this.chain.lock(tx, { isPatient: true });
      if ((await newestOf(month, tx)) !== newest)
        throw new Error(`the month ${month} has grown while it was read`);
      if (links > 0) await this.note(ranges, tx);
      await tx.query('SELECT drop_audit_month($1)', [month]);
    });
    return links;
  }

  private async linksOf(month: string): Promise<{ links: number; newest: number; ranges: SequenceRange[] }> {
    const ranges: SequenceRange[] = [];
    let links = 0;
    for (let newest = 0; ;) {
      const rows = await this.dataSource.query<LinkRow[]>(
        `SELECT ${LINK_COLUMNS} FROM audit_links AS l WHERE month = $1 AND sequence > $2 ORDER BY sequence LIMIT ${PAGE}`,
        [month, newest],
      );
      for (const link of rows.map(linkOf))
        if (this.keys.judgeLink(link) === 'genuine') extend(ranges, link.sequence);
      links += rows.length;
      newest = Number(rows.at(-1)?.sequence ?? newest);
      if (rows.length < PAGE) return { links, newest, ranges };
    }
  }

  private async note(ranges: SequenceRange[], tx: EntityManager): Promise<void> {
    const [row] = await tx.query<{ dropped: string; month: string }[]>(
      `SELECT ($1::int8multirange + $2::int8multirange)::text AS dropped,
         date_trunc('month', now() AT TIME ZONE 'UTC')::date::text AS month`,
      [await this.chain.dropped(tx), multirangeOf(ranges)],
    );
    const { noted, newest } = await this.chain.heads(tx);
    const last = newest.sequence >= noted.sequence ? newest : noted;
    const none = { eventId: null, eventCreatedAt: null, eventMac: null };
    await this.chain.append(last, [{ ...none, ...row! }], tx);
  }
}

async function newestOf(month: string, tx: EntityManager): Promise<number> {
  const [row] = await tx.query<{ newest: string }[]>(
    'SELECT coalesce(max(sequence), 0) AS newest FROM audit_links WHERE month = $1',
    [month],
  );
  return Number(row!.newest);
}
