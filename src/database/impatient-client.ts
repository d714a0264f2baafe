import { Client, type ClientConfig } from 'pg';

type Callback = (error: Error | undefined, ...rest: unknown[]) => void;

/**
 * A connection that is given up when the answer to a query stays out. The server itself cuts what takes too long a second
 * earlier, so where not even that is heard the network is dead. The driver's own time-out (`query_timeout`) would fail the
 * query and keep the connection: its ROLLBACK, and whoever the pool gave it to next, would wait just as long again. It
 * also takes a timer for each query; here one for all looks every now and then.
 */
export class ImpatientClient extends Client {
  /** Milliseconds; without, it waits for ever. */
  private readonly patience?: number;
  private unanswered = 0;
  private waitingSince = 0;
  private watch?: NodeJS.Timeout;

  constructor(config: ClientConfig & { patience?: number }) {
    super(config);
    this.patience = config.patience;
  }

  // Its overloads (callback, promise, stream) are the driver's own business.
  override query(...given: unknown[]): never {
    const send = super.query as (...given: unknown[]) => unknown;
    const callback = given.at(-1) as Callback | undefined;
    if (typeof callback !== 'function') {
      const answer = send.apply(this, given);
      if (answer instanceof Promise) {
        this.beginWaiting();
        const end = () => this.endWaiting();
        answer.then(end, end);
      }
      return answer as never;
    }
    this.beginWaiting();
    // Not assigned to a property as a literal: V8 would keep it, and the whole request with it, among the oldest objects
    // (docs/decisions/0010).
    const heard: Callback = (...answer) => {
      this.endWaiting();
      callback(...answer);
    };
    return send.call(this, ...given.slice(0, -1), heard) as never;
  }

  private beginWaiting(): void {
    if (this.patience === undefined) return;
    this.unanswered += 1;
    if (this.unanswered === 1) this.waitingSince = performance.now();
    this.watch ??= setTimeout(() => this.look(this.patience!), this.patience).unref();
  }

  private endWaiting(): void {
    this.unanswered -= 1;
    this.waitingSince = performance.now();
  }

  private look(patience: number): void {
    this.watch = undefined;
    if (this.unanswered === 0) return;
    const rest = this.waitingSince + patience - performance.now();
    if (rest > 0) {
      this.watch = setTimeout(() => this.look(patience), rest).unref();
      return;
    }
    const { stream } = (this as unknown as { connection: { stream: { destroy(error: Error): void } } })
      .connection;
    stream.destroy(new Error('Query read timeout'));
  }
}
