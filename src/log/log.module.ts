import { Module, type DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { Counter, Registry } from 'prom-client';
import type { Config } from '../config/config';
import { logDestination } from './destination';
import { loggerOptions } from './logger-options';

@Module({})
export class LogModule {
  static with({ log }: Config): DynamicModule {
    return {
      module: LogModule,
      imports: [
        LoggerModule.forRoot({
          pinoHttp: {
            ...loggerOptions(log),
            autoLogging: false,
            ...(log.format === 'json' ? { stream: logDestination() } : {}),
          },
          // Requests are logged by a hook that knows their route; the middleware would only cost.
          forRoutes: [],
        }),
      ],
    };
  }

  constructor(registry: Registry) {
    const destination = logDestination();
    const dropped = new Counter({
      name: 'gatehouse_log_lines_dropped_total',
      help: 'Lines given up because nobody read the log',
      registers: [registry],
      collect: () => {
        dropped.reset();
        dropped.inc(destination.dropped);
      },
    });
  }
}
