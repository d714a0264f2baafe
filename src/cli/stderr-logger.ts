import type { LoggerService } from '@nestjs/common';

/** A failed connection is thrown as well, and told better there. */
const TOLD_BY_ERRORS = new Set<unknown>(['TypeOrmModule', 'ExceptionHandler']);
/** What this process cannot link the servers do. */
const LEFT_TO_SERVERS = 'audit.unsealed';

/** Warnings and errors of services, a line each beside the result; what they say by the way is for servers. */
export class StderrLogger implements LoggerService {
  log(): void {}

  debug(): void {}

  verbose(): void {}

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warning', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  private write(level: string, message: unknown, rest: unknown[]): void {
    const { event, msg } = Object(message) as { event?: string; msg?: string };
    if (TOLD_BY_ERRORS.has(rest.at(-1)) || event === LEFT_TO_SERVERS) return;
    const words = typeof message === 'string' ? message : [event, msg].filter(Boolean).join(': ');
    process.stderr.write(`${level}: ${words}\n`);
  }
}
