import type { Connection, FieldDef, Submittable } from 'pg';
import { serialize } from 'pg-protocol';
import type { Prepared, Statement } from './statement';

type DriverConnection = Connection & Prepared;

/**
 * Statements that travel together and are waited for once. They go out under one Sync of PostgreSQL's protocol: each is
 * carried out if all before it were, so nothing runs outside a transaction that could not begin. The driver takes
 * a batch for one query.
 */
export class Batch implements Submittable {
  /** Set by the driver, which is to hear of the end. */
  callback?: (error?: Error) => void;
  private isSent = false;
  private answered = 0;

  constructor(readonly statements: readonly Statement[]) {}

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
    const { stream } = connection;
    const messages: Buffer[] = [];
    try {
      for (const statement of this.statements) statement.write(messages, connection);
    } catch (error) {
      // Whoever overlooked it would commit the transaction without them.
      return void stream.destroy(error as Error);
    }
    this.isSent = true;
    messages.push(serialize.sync());
    if (stream.writable) stream.write(Buffer.concat(messages));
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    this.answering?.describe(fields);
  }

  handleDataRow({ fields }: { fields: unknown[] }): void {
    this.answering?.addRow(fields);
  }

  handleCommandComplete(message: unknown): void {
    this.answering?.complete(message);
    this.answered++;
  }

  handleEmptyQuery(): void {
    this.answered++;
  }

  handleReadyForQuery(): void {
    let failure: Error | undefined;
    for (const statement of this.statements) {
      const failed = statement.end();
      failure ??= failed;
    }
    this.callback?.(failure);
  }

  /** Those before the one that failed were carried out, those behind it were left out by the server. */
  handleError(error: Error, { submittedNamedStatements }: DriverConnection): void {
    this.statements.forEach((statement, at) => {
      if (at < this.answered) return statement.end();
      if (statement.name !== undefined) delete submittedNamedStatements[statement.name];
      return statement.end(error);
    });
    this.callback?.(error);
  }

  private get answering(): Statement | undefined {
    return this.statements[this.answered];
  }
}
