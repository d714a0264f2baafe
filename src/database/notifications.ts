import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { Config } from '../config/config';

type Handler = (payload: string) => void;
type StateHandler = (isListening: boolean) => void;

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
/** A connection that died without a word is noticed after this and the time-out of one query. */
const HEARTBEAT_MS = 5_000;
const HEARTBEAT_TIMEOUT_MS = 2_000;

/**
 * Messages between replicas over PostgreSQL's LISTEN and NOTIFY, on a direct connection of its own: a transaction
 * pooler gives no session to listen in. Messages sent while the connection is down are lost, so whoever relies on them
 * is told when it goes and when it is back. Its heartbeat brings the time of the database along.
 */
@Injectable()
export class Notifications implements OnApplicationShutdown {
  private readonly logger = new Logger(Notifications.name);
  private readonly handlers = new Map<string, { onMessage: Handler; onState: StateHandler }>();
  private client?: Client;
  private heartbeat?: NodeJS.Timeout;
  private retry?: NodeJS.Timeout;
  private retryAfter = FIRST_RETRY_MS;
  private listening = false;
  private isStopped = false;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** Whether messages of other replicas arrive at the moment. */
  get isListening(): boolean {
    return this.listening;
  }

  /**
   * Subscribes for good. `onState` hears true as soon as messages arrive and false as soon as they may be missed;
   * until the first true, assume false.
   */
  async listen(channel: string, onMessage: Handler, onState: StateHandler): Promise<void> {
    this.handlers.set(channel, { onMessage, onState });
    if (!this.client) return this.connect();
    // A connection that is still being made finds the channel among the handlers.
    const { client, listening } = this;
    if (listening) await this.subscribe(client, channel).catch(() => this.reconnect(client));
  }

  /** Sends a message when the transaction commits. The commit takes a lock of the whole database: use it sparingly. */
  async notify(channel: string, payload: string, tx: EntityManager): Promise<void> {
    await tx.query('SELECT pg_notify($1, $2)', [channel, payload]);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.retry);
    const client = this.client;
    this.lose(client);
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.config.database.directUrl,
      application_name: 'gatehouse listener',
      connectionTimeoutMillis: HEARTBEAT_TIMEOUT_MS,
      query_timeout: HEARTBEAT_TIMEOUT_MS,
      keepAlive: true,
    });
    this.client = client;
    client.on('notification', ({ channel, payload }) => this.handlers.get(channel)?.onMessage(payload ?? ''));
    client.on('error', () => this.reconnect(client));
    client.on('end', () => this.reconnect(client));
    try {
      await client.connect();
      await this.readTime(client);
      for (const channel of this.handlers.keys()) await this.subscribe(client, channel);
      this.retryAfter = FIRST_RETRY_MS;
      this.heartbeat = setInterval(() => void this.probe(client), HEARTBEAT_MS).unref();
    } catch {
      this.reconnect(client);
    }
  }

  private async subscribe(client: Client, channel: string): Promise<void> {
    await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    if (client !== this.client) return;
    this.listening = true;
    this.handlers.get(channel)?.onState(true);
  }

  private async probe(client: Client): Promise<void> {
    try {
      await this.readTime(client);
    } catch {
      this.reconnect(client);
    }
  }

  private async readTime(client: Client): Promise<void> {
    const askedAt = performance.now();
    const { rows } = await client.query<{ ms: string }>(
      'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms',
    );
    this.clock.follow(Number(rows[0]!.ms), askedAt);
  }

  private reconnect(client: Client): void {
    if (client !== this.client) return;
    this.lose(client);
    void client.end().catch(() => undefined);
    if (this.isStopped) return;
    this.logger.warn({
      event: 'listener.lost',
      retryMs: this.retryAfter,
      msg: 'the LISTEN connection is down',
    });
    this.retry = setTimeout(() => void this.connect(), this.retryAfter);
    this.retryAfter = Math.min(this.retryAfter * 2, LONGEST_RETRY_MS);
  }

  private lose(client: Client | undefined): void {
    if (client === undefined || client !== this.client) return;
    this.client = undefined;
    this.listening = false;
    clearInterval(this.heartbeat);
    for (const { onState } of this.handlers.values()) onState(false);
  }
}
