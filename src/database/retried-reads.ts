import { DataSource, type QueryRunner } from 'typeorm';
import { isConnectionLost } from '../common/errors/outage';

type Query = (...given: unknown[]) => Promise<unknown>;

/**
 * Has a read that lost its connection sent once more on another one, as when a database restarts or fails over: it did
 * nothing, so nothing is done twice. Of the statements outside transactions these are the reads by repositories and
 * select builders, which TypeORM would send to a replica where there is one.
 */
export function retryReads(dataSource: DataSource): DataSource {
  const create = dataSource.driver.createQueryRunner.bind(dataSource.driver);
  dataSource.driver.createQueryRunner = (mode) => {
    const runner = create(mode);
    return mode === 'slave' ? retrying(runner, () => create(mode)) : runner;
  };
  return dataSource;
}

function retrying(runner: QueryRunner, another: () => QueryRunner): QueryRunner {
  const query = runner.query.bind(runner) as Query;
  runner.query = (async (...given: unknown[]) => {
    try {
      return await query(...given);
    } catch (error) {
      if (runner.isTransactionActive || !isConnectionLost(error)) throw error;
      const second = another();
      return (second.query as Query)(...given).finally(() => second.release());
    }
  }) as QueryRunner['query'];
  return runner;
}
