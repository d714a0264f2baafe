import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Config } from '../config/config';
import { Notifications } from './notifications';
import { dataSourceOptions } from './options';
import { Transactions } from './transactions';

@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Config],
      useFactory: (config: Config) => ({ ...dataSourceOptions(config.database), autoLoadEntities: true }),
    }),
  ],
  providers: [Transactions, Notifications],
  exports: [Transactions, Notifications],
})
export class DatabaseModule {}
