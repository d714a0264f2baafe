import type { Connection, Query, Submittable } from 'pg';

/** What the driver's own query has beside what its types tell. */
interface DriverQuery extends Omit<Query, 'submit'> {
  name?: string;
  text: string;
  values?: unknown[];
  submit(connection: DriverConnection): Error | null;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: DriverConnection): void;
  handleReadyForQuery(connection: DriverConnection): void;
  handleError(error: Error, connection: DriverConnection): void;
}

interface DriverConnection extends Connection {
  submittedNamedStatements: Record<string, string>;
}

/**
 * Statements that travel together and are waited for once. They go out under one Sync of PostgreSQL's protocol: each is
 * carried out if all before it were, so nothing runs outside a transaction that could not begin. The driver takes
 * a batch for one query.
 */
export class Batch implements Submittable {
  /** Set by the driver, which is to hear of the end. */
  callback?: (error?: Error) => void;
  readonly statements: readonly DriverQuery[];
  private isSent = false;
  private answered = 0;

  constructor(queries: Query[]) {
    this.statements = queries as unknown as DriverQuery[];
  }

  /** Of the statement that is being answered: the driver notes by these what the server has prepared. */
  get name(): string | undefined {
    return this.isSent ? this.answering?.name : undefined;
  }

  /** Before it is sent, that of the whole: traces show it. */
  get text(): string {
    if (!this.isSent) return this.statements.map(({ text }) => text).join(';\n');
    return this.answering?.text ?? '';
  }

  submit(given: Connection): void {
    const connection = given as DriverConnection;
    this.isSent = true;
    let isWhole = true;
    const { stream } = connection;
    const messages: Uint8Array[] = [];
    const unsynced = Object.assign(Object.create(connection) as DriverConnection, {
      // Handed to the socket as one, instead of some twenty short messages.
      stream: {
        writable: stream.writable,
        write: (message: Uint8Array) => messages.push(message),
        cork: () => undefined,
        uncork: () => undefined,
      },
      sync: () => undefined,
      // Said where the values of a statement could not be written down.
      close: () => (isWhole = false),
    });
    for (const statement of this.statements) isWhole = statement.submit(unsynced) === null && isWhole;
    // Of half a batch the answers would fall to the wrong statements.
    if (!isWhole) return void stream.destroy();
    stream.cork();
    if (stream.writable) stream.write(Buffer.concat(messages));
    connection.sync();
    stream.uncork();
  }

  handleRowDescription(message: unknown): void {
    this.answering?.handleRowDescription(message);
  }

  handleDataRow(message: unknown): void {
    this.answering?.handleDataRow(message);
  }

  handleCommandComplete(message: unknown, connection: DriverConnection): void {
    this.answering?.handleCommandComplete(message, connection);
    this.answered++;
  }

  handleEmptyQuery(): void {
    this.answered++;
  }

  handleReadyForQuery(connection: DriverConnection): void {
    for (const statement of this.statements) statement.handleReadyForQuery(connection);
    this.callback?.();
  }

  /** Those before the one that failed were carried out, those behind it were left out by the server. */
  handleError(error: Error, connection: DriverConnection): void {
    this.statements.forEach((statement, at) => {
      if (at < this.answered) return statement.handleReadyForQuery(connection);
      if (statement.name) delete connection.submittedNamedStatements[statement.name];
      statement.handleError(error, connection);
    });
    this.callback?.(error);
  }

  private get answering(): DriverQuery | undefined {
    return this.statements[this.answered];
  }
}
