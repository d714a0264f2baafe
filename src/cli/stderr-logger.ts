import type { LoggerService } from '@nestjs/common';

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
    // A failed connection is thrown as well, and told better there.
    if (rest.at(-1) === 'TypeOrmModule' || rest.at(-1) === 'ExceptionHandler') return;
    const { event, msg } = Object(message) as { event?: string; msg?: string };
    const words = typeof message === 'string' ? message : [event, msg].filter(Boolean).join(': ');
    process.stderr.write(`${level}: ${words}\n`);
  }
}
