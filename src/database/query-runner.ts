import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  type DataSource,
  type ObjectLiteral,
  type ReplicationMode,
} from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver';
import { PostgresQueryRunner } from 'typeorm/driver/postgres/PostgresQueryRunner';
import { QueryResult } from 'typeorm/query-runner/QueryResult';
import type { AfterQueryEvent } from 'typeorm/subscriber/event/QueryEvent';
import type { ClientBase, PoolClient, QueryResult as Answer } from 'pg';
import { isConnectionLost } from '../common/errors/outage';

/**
 * Hands statements to the driver and nothing more. TypeORM's own `query` waits four times on the way, for events and a log
 * that nobody here listens to: some 2 % of a request. Subscribers hear of statements that fail, by `afterQuery`.
 *
 * A read outside a transaction that lost its connection, as when a database restarts or fails over, is sent once more on
 * another one: it did nothing, so nothing is done twice. Such reads are those of repositories and select builders,
 * which TypeORM would send to a replica where there is one.
 */
class DirectQueryRunner extends PostgresQueryRunner {
  override async query(
    text: string,
    values?: unknown[] | ObjectLiteral,
    isStructured = false,
  ): ReturnType<PostgresQueryRunner['query']> {
    const answer = await this.ask(text, values as unknown[] | undefined);
    return isStructured ? structured(answer) : rawOf(answer);
  }

  // As TypeORM's own, but for where the functions lie: see `ImpatientClient`.
  override connect(): Promise<ClientBase> {
    const connection = this.databaseConnectionPromise as Promise<ClientBase> | undefined;
    return connection ?? (this.databaseConnectionPromise = this.acquire());
  }

  private async acquire(): Promise<ClientBase> {
    const [client, release] = (await this.driver.obtainMasterConnection()) as [
      ClientBase,
      PoolClient['release'],
    ];
    const onLost = () => void this.release();
    const letGo = () => {
      client.off('error', onLost);
      release();
    };
    client.on('error', onLost);
    this.driver.connectedQueryRunners.push(this);
    this.releaseCallback = letGo;
    this.databaseConnection = client;
    return client;
  }

  private async ask(text: string, values: unknown[] | undefined): Promise<Answer> {
    try {
      return await this.send(text, values);
    } catch (error) {
      if (this.mode !== 'slave' || this.isTransactionActive || !isConnectionLost(error)) throw error;
      const another = new DirectQueryRunner(this.driver, this.mode);
      return another.send(text, values).finally(() => another.release());
    }
  }

  private async send(text: string, values: unknown[] | undefined): Promise<Answer> {
    if (this.isReleased) throw new QueryRunnerAlreadyReleasedError();
    const client = (this.databaseConnection ?? (await this.connect())) as ClientBase;
    try {
      return await client.query(text, values);
    } catch (error) {
      for (const subscriber of this.dataSource.subscribers)
        subscriber.afterQuery?.({
          success: false,
          error,
          query: text,
          parameters: values,
        } as AfterQueryEvent);
      throw new QueryFailedError(text, values, error as Error);
    }
  }
}

/** Has all statements of a data source sent by `DirectQueryRunner`. */
export function sendDirectly(dataSource: DataSource): DataSource {
  const driver = dataSource.driver as PostgresDriver;
  driver.createQueryRunner = (mode: ReplicationMode) => new DirectQueryRunner(driver, mode);
  return dataSource;
}

/** As TypeORM has it: of changes the rows and how many, of all else the rows. */
function rawOf({ command, rows, rowCount }: Answer): unknown {
  return command === 'UPDATE' || command === 'DELETE' ? [rows, rowCount] : rows;
}

function structured(answer: Answer): QueryResult {
  const { rows, rowCount } = answer;
  return Object.assign(new QueryResult(), { raw: rawOf(answer), records: rows, affected: rowCount });
}
