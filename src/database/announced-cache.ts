import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import type { AfterCommit } from './after-commit';
import type { Notifications } from './notifications';

/** Changes that are remembered, one for each id: those that came while a query ran are among them, at thousands a second. */
const MOST_CHANGES = 5_000;
/** A NOTIFY carries less than 8,000 bytes. */
const IDS_PER_MESSAGE = 200;

export interface CacheOptions {
  channel: string;
  /** Values that are kept at most. */
  max: number;
}

/**
 * Rows this process has read, so that reading them again costs no query. Every change is announced to all replicas in the
 * transaction that makes it: they forget the row as soon as it is committed, this process before anybody hears of the
 * commit. While announcements could be missed, nothing is kept.
 */
export class AnnouncedCache<Value extends { id: string }> {
  private readonly values: LRUCache<string, Value>;
  private readonly changes = new LRUCache<string, number>({
    max: MOST_CHANGES,
    dispose: (change) => (this.forgotten = Math.max(this.forgotten, change)),
  });
  /** Numbers the changes. A value is kept only if its row has not changed since its reading began. */
  private latest = 0;
  /** The latest change that is not remembered any more. */
  private forgotten = 0;
  private isTrusted = false;

  constructor(
    private readonly options: CacheOptions,
    private readonly notifications: Notifications,
    private readonly afterCommit: AfterCommit,
  ) {
    this.values = new LRUCache({ max: options.max });
  }

  /** Does not wait: without a listener there is no cache, and the service works by query. */
  onApplicationBootstrap(): void {
    void this.notifications.listen(
      this.options.channel,
      (payload) => this.forget(payload.split(',')),
      (isListening) => this.trust(isListening),
    );
  }

  get isListening(): boolean {
    return this.isTrusted;
  }

  get size(): number {
    return this.values.size;
  }

  find(id: string): Value | undefined {
    return this.values.get(id);
  }

  /** To be taken before a query whose result is to be kept. */
  beginReading(): number {
    return this.latest;
  }

  /** Keeps what a query has found, unless a change was announced or could have been missed while the query ran. */
  keep(value: Value, readingSince: number): void {
    const changedAt = this.changes.get(value.id) ?? this.forgotten;
    if (this.isTrusted && changedAt <= readingSince) this.values.set(value.id, value);
  }

  /** Keeps what a transaction has written, once it is committed. */
  keepAtCommit(value: Value, readingSince: number, tx: EntityManager): void {
    this.afterCommit.do(tx, () => this.keep(value, readingSince));
  }

  /** Has every replica forget these rows at commit. This process does not wait for the echo. */
  async announce(ids: string[], tx: EntityManager): Promise<void> {
    this.forget(ids);
    // Who read them before the commit may have kept what was true then.
    this.afterCommit.do(tx, () => this.forget(ids));
    const { channel } = this.options;
    for (let start = 0; start < ids.length; start += IDS_PER_MESSAGE)
      await this.notifications.notify(channel, ids.slice(start, start + IDS_PER_MESSAGE).join(','), tx);
  }

  private forget(ids: string[]): void {
    this.latest += 1;
    for (const id of ids) {
      this.changes.set(id, this.latest);
      this.values.delete(id);
    }
  }

  private trust(isListening: boolean): void {
    this.isTrusted = isListening;
    // Whatever is being read now may have changed unheard.
    this.latest += 1;
    this.forgotten = this.latest;
    this.changes.clear();
    this.values.clear();
  }
}
