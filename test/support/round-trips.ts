import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Client } from 'pg';

/** What one request has asked of the database. */
export class Asked {
  readonly statements: string[] = [];
  /** Times in which the request waited; statements that are under way together share one. */
  waits = 0;
  private outstanding = 0;

  begin(texts: string[]): void {
    if (this.outstanding === 0) this.waits++;
    this.outstanding++;
    this.statements.push(...texts);
  }

  end(): void {
    this.outstanding--;
  }
}

type Query = (...given: unknown[]) => unknown;

/** Listens in on the driver. What runs beside requests, such as jobs and the LISTEN connection, belongs to none of them. */
export class RoundTrips {
  private readonly asked = new AsyncLocalStorage<Asked>();
  private readonly query = Client.prototype.query as unknown as Query;
  private latest?: Asked;

  static record(): RoundTrips {
    const trips = new RoundTrips();
    const { query, asked } = trips;
    const recorded: Query = function (this: Client, ...given) {
      return record(query.bind(this), given, asked.getStore());
    };
    Client.prototype.query = recorded as typeof Client.prototype.query;
    subscribe('http.server.request.start', trips.onRequest);
    return trips;
  }

  /** What the one request that is sent meanwhile has asked until it was answered. */
  async of(send: () => Promise<unknown>): Promise<Asked> {
    this.latest = undefined;
    await send();
    if (!this.latest) throw new Error('no request was sent');
    return this.latest;
  }

  stop(): void {
    unsubscribe('http.server.request.start', this.onRequest);
    Client.prototype.query = this.query as typeof Client.prototype.query;
  }

  private readonly onRequest = () => {
    this.latest = new Asked();
    this.asked.enterWith(this.latest);
  };
}

function record(query: Query, given: unknown[], asked: Asked | undefined): unknown {
  const texts = textsOf(given[0]);
  // A request that promises a letter wakes whoever sends letters, and does not wait for them.
  if (!asked || texts.some((text) => text.includes('SKIP LOCKED'))) return query(...given);
  asked.begin(texts);
  const callback = given.at(-1);
  if (typeof callback === 'function') {
    const heard: Query = (...results) => {
      asked.end();
      return (callback as Query)(...results);
    };
    return query(...given.slice(0, -1), heard);
  }
  const answer = query(...given) as Promise<unknown>;
  const end = () => asked.end();
  void answer.then(end, end);
  return answer;
}

/** A batch holds several. */
function textsOf(sent: unknown): string[] {
  if (typeof sent === 'string') return [sent];
  const { statements, text } = sent as { statements?: { text: string }[]; text?: string };
  return statements?.map((statement) => statement.text) ?? [text ?? ''];
}
