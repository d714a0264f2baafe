import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Config } from '../config/config';
import { AfterCommit } from './after-commit';
import { Notifications } from './notifications';
import { dataSourceOptions } from './options';
import { sendDirectly } from './query-runner';
import { Transactions } from './transactions';

interface OwnWishes {
  poolMax?: number;
  applicationName?: string;
  retryAttempts?: number;
  retryDelay?: number;
}

@Module({})
export class DatabaseModule {
  /** @param own what this process wants differently */
  static with({ poolMax, ...own }: OwnWishes = {}): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [Config],
          useFactory: ({ database }: Config) => ({
            ...dataSourceOptions({ ...database, poolMax: poolMax ?? database.poolMax }),
            autoLoadEntities: true,
            ...own,
          }),
          dataSourceFactory: async (options) => sendDirectly(await new DataSource(options!).initialize()),
        }),
      ],
      providers: [Transactions, AfterCommit, Notifications],
      exports: [Transactions, AfterCommit, Notifications],
    };
  }
}
