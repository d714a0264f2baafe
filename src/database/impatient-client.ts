import { Client } from 'pg';

type Callback = (error: Error | undefined, ...rest: unknown[]) => void;

/**
 * A connection that is given up when the answer to a query stays out. The server itself cuts what takes too long a second
 * earlier, so where not even that is heard the network is dead. The driver alone would fail the query and keep the
 * connection: its ROLLBACK, and whoever the pool gave it to next, would wait just as long again.
 */
export class ImpatientClient extends Client {
  // Its overloads (callback, promise, stream) are the driver's own business.
  override query(...given: unknown[]): never {
    const callback = given.at(-1);
    if (typeof callback === 'function')
      given[given.length - 1] = (error: Error | undefined, ...rest: unknown[]) => {
        this.judge(error);
        (callback as Callback)(error, ...rest);
      };
    const send = super.query as (...given: unknown[]) => unknown;
    const answer = send.apply(this, given);
    // Before anybody else hears of it, so that nothing more is sent on this connection.
    if (answer instanceof Promise) answer.catch((error: Error) => this.judge(error));
    return answer as never;
  }

  private judge(error: Error | undefined): void {
    if (error?.message !== 'Query read timeout') return;
    const { stream } = (this as unknown as { connection: { stream: { destroy(): void } } }).connection;
    stream.destroy();
  }
}
