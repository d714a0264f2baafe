import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import { Notifications } from '../database/notifications';
import type { Session } from './session.entity';

const CHANNEL = 'session_revoked';
/** Some 500 bytes each. */
const MOST_SESSIONS = 20_000;
/** A revocation is remembered for longer than a query that began before it can take. */
const REVOCATION_MEMORY_MS = 30_000;
const MOST_REVOCATIONS = 20_000;
/** A NOTIFY carries less than 8,000 bytes. */
const IDS_PER_MESSAGE = 200;

/**
 * The live sessions this process has seen, so that a hot session costs no query. Every revocation is announced to all
 * replicas in the transaction that makes it. While announcements could be missed, nothing is cached.
 */
@Injectable()
export class SessionCache implements OnApplicationBootstrap {
  private readonly sessions = new LRUCache<string, Session>({ max: MOST_SESSIONS });
  private readonly revoked = new LRUCache<string, true>({ max: MOST_REVOCATIONS, ttl: REVOCATION_MEMORY_MS });
  /** Requests whose session was answered from memory, and those that needed a query. */
  hits = 0;
  misses = 0;
  private isTrusted = false;
  /** Changes whenever announcements may have been missed. */
  private epoch = 0;

  constructor(private readonly notifications: Notifications) {}

  /** Does not wait: without a listener there is no cache, and the service works by query. */
  onApplicationBootstrap(): void {
    void this.notifications.listen(
      CHANNEL,
      (payload) => this.forget(payload.split(',')),
      (isListening) => this.trust(isListening),
    );
  }

  get isListening(): boolean {
    return this.isTrusted;
  }

  get size(): number {
    return this.sessions.size;
  }

  find(id: string): Session | undefined {
    return this.sessions.get(id);
  }

  /** To be taken before a query whose result is to be kept. */
  beginReading(): number {
    return this.epoch;
  }

  /** Keeps what a query has found, unless a revocation came or could have been missed while the query ran. */
  keep(session: Session, readingSince: number): void {
    if (this.isTrusted && readingSince === this.epoch && !this.revoked.has(session.id))
      this.sessions.set(session.id, session);
  }

  /** Announces revocations to every replica at commit. This process forgets at once and does not wait for the echo. */
  async announce(ids: string[], tx: EntityManager): Promise<void> {
    this.forget(ids);
    for (let start = 0; start < ids.length; start += IDS_PER_MESSAGE)
      await this.notifications.notify(CHANNEL, ids.slice(start, start + IDS_PER_MESSAGE).join(','), tx);
  }

  private forget(ids: string[]): void {
    for (const id of ids) {
      this.revoked.set(id, true);
      this.sessions.delete(id);
    }
  }

  private trust(isListening: boolean): void {
    this.isTrusted = isListening;
    this.epoch++;
    this.sessions.clear();
  }
}
