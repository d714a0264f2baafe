import { Module, type DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { LoggerOptions } from 'pino';
import type { Config } from '../config/config';

/** Nothing logs these on purpose; should a library ever do, they are cut out here. */
const REDACTED = ['password', 'token', 'authorization', 'cookie', 'secret', 'email'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** Structured logs: JSON lines for machines, coloured lines on a terminal. */
@Module({})
export class LogModule {
  static with({ log }: Config): DynamicModule {
    return {
      module: LogModule,
      imports: [
        LoggerModule.forRoot({
          pinoHttp: {
            level: log.level,
            autoLogging: false,
            hooks: { logMethod: withoutStartUpNoise },
            redact: REDACTED,
            transport:
              log.format === 'pretty'
                ? {
                    target: 'pino-pretty',
                    options: { singleLine: true, ignore: 'pid,hostname,context', translateTime: 'HH:MM:ss' },
                  }
                : undefined,
          },
          // Requests are logged by a hook that knows their route; the middleware would only cost.
          forRoutes: [],
        }),
      ],
    };
  }
}

/** Nest tells of every module and route at start; the operator knows them. Warnings of the same sources pass. */
const START_UP = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'NestApplication',
]);
const INFO = 30;

const withoutStartUpNoise: NonNullable<LoggerOptions['hooks']>['logMethod'] = function (args, method, level) {
  const [first] = args as [unknown];
  const context =
    typeof first === 'object' && first !== null && 'context' in first ? first.context : undefined;
  if (level <= INFO && START_UP.has(context as string)) return;
  method.apply(this, args);
};
