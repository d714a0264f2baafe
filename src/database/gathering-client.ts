import { Query, type ClientConfig, type Submittable } from 'pg';
import { Batch } from './batch';
import { ImpatientClient } from './impatient-client';
import { Statement, type Descriptions } from './statement';
import { isOutOfDate, type StatementNames } from './statement-names';

const BEGIN = 'START TRANSACTION';
const ENDS = new Set(['COMMIT', 'ROLLBACK']);
/** The answer to what was not sent, as the driver puts it. */
const NOTHING = { command: '', rowCount: null, rows: [] };

interface Transaction {
  isSent: boolean;
  /** Asked for in this turn of the event loop; before anything is sent, START TRANSACTION too. */
  waiting: Statement[];
}

/**
 * A connection on which a transaction waits for PostgreSQL as seldom as may be: START TRANSACTION travels with the first
 * statement, and statements that do not wait for each other (see `together`) travel as one batch, in the order they were
 * asked for. COMMIT travels by itself: it alone says whether all of them have taken place.
 *
 * Statements with parameters are prepared where there are `statementNames`.
 */
export class GatheringClient extends ImpatientClient {
  private readonly names?: StatementNames;
  private readonly descriptions: Descriptions = new Map();
  private transaction?: Transaction;

  constructor(config: ClientConfig & { statementNames?: StatementNames; patience?: number }) {
    super(config);
    this.names = config.statementNames;
  }

  override query(...given: unknown[]): never {
    const [text, values = [], ...rest] = given;
    if (typeof text === 'string' && Array.isArray(values) && rest.length === 0)
      return this.ask(text, values) as never;
    // Callbacks and streams are the driver's own business; here they would overtake what waits.
    if (this.transaction) throw new Error('The statements of a transaction are asked for by promise');
    return super.query(...given);
  }

  private async ask(text: string, values: unknown[]): Promise<unknown> {
    if (text === BEGIN) return this.begin();
    if (this.transaction && ENDS.has(text)) return this.finish(this.transaction, text);
    if (values.length > 0)
      return this.transaction ? this.gather(this.transaction, text, values) : this.askAlone(text, values);
    // Without parameters a text may hold several statements, which no batch can carry.
    await this.flush();
    return this.send(new Query(text));
  }

  private begin(): unknown {
    // Where it fails, so do those behind it.
    this.transaction = { isSent: false, waiting: [this.statement(BEGIN, [])] };
    return NOTHING;
  }

  private async finish({ isSent, waiting }: Transaction, text: string): Promise<unknown> {
    const left = isSent || waiting.length > 1 ? this.flush() : undefined;
    this.transaction = undefined;
    if (!left) return NOTHING;
    // What nobody has waited for belongs to the transaction all the same: without it there is no COMMIT.
    await (text === 'COMMIT' ? left : left.catch(() => undefined));
    return this.send(new Query(text));
  }

  private gather({ waiting }: Transaction, text: string, values: unknown[]): Promise<unknown> {
    process.nextTick(() => void this.flush().catch(() => undefined));
    return new Promise((resolve, reject) => {
      waiting.push(
        this.statement(text, values, (error, result) => (error ? reject(error) : resolve(result))),
      );
    });
  }

  /** Sends what waits. Rejects where one of them fails. */
  private async flush(): Promise<void> {
    const { transaction } = this;
    if (!transaction || transaction.waiting.length === 0) return;
    const batch = new Batch(transaction.waiting.splice(0));
    transaction.isSent = true;
    try {
      await this.send(batch);
    } catch (error) {
      if (isOutOfDate(error)) this.names?.renew();
      throw error;
    }
  }

  private async askAlone(text: string, values: unknown[]): Promise<unknown> {
    try {
      return await this.askOnce(text, values);
    } catch (error) {
      if (!isOutOfDate(error)) throw error;
      this.names?.renew();
      return this.askOnce(text, values);
    }
  }

  private async askOnce(text: string, values: unknown[]): Promise<unknown> {
    const statement = this.statement(text, values);
    await this.send(new Batch([statement]));
    return statement.result;
  }

  private send(query: Submittable): Promise<unknown> {
    return new Promise((resolve, reject) => {
      super.query(query, (error?: Error, result?: unknown) => (error ? reject(error) : resolve(result)));
    });
  }

  private statement(
    text: string,
    values: unknown[],
    heard?: (error: Error | undefined, result: unknown) => void,
  ): Statement {
    return new Statement(text, values, this.names?.of(text), this.descriptions, heard);
  }
}
