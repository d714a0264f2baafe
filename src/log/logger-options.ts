import { pino, type Logger, type LoggerOptions } from 'pino';
import type { LogConfig } from '../config/config';
import { traceOfLine } from '../tracing/tracing';
import { logDestination } from './destination';
import { serializeError } from './error-serializer';
import { redact } from './redaction';

/** Structured logs: JSON lines for machines, coloured lines on a terminal. */
export function loggerOptions({ level, format }: LogConfig): LoggerOptions {
  return {
    level,
    mixin: traceOfLine(),
    hooks: { logMethod: withoutStartUpNoise },
    formatters: { log: redact },
    // Not the function itself: pino may call it with more than the error.
    serializers: { err: (error: unknown) => serializeError(error) },
    transport:
      format === 'pretty'
        ? {
            target: 'pino-pretty',
            options: { singleLine: true, ignore: 'pid,hostname,context', translateTime: 'HH:MM:ss' },
          }
        : undefined,
  };
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

/** For what is to be said before there is an application. */
export function createLogger(log: LogConfig): Logger {
  return log.format === 'json' ? pino(loggerOptions(log), logDestination()) : pino(loggerOptions(log));
}
