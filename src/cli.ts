#!/usr/bin/env node
import { CommandFactory } from 'nest-commander';
import { CliModule } from './cli/cli.module';
import { endingOf } from './cli/ending';
import { EXIT } from './cli/exit-codes';

/** `npm run cli -- …`, and `gatehouse …` in the image: see docs/cli.md. */
async function main(): Promise<void> {
  // Who has read enough, such as `head`, is no failure.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) =>
    process.exit(code === 'EPIPE' ? EXIT.ok : EXIT.failure),
  );
  const line = await CommandFactory.createWithoutRunning(CliModule, {
    logger: false,
    abortOnError: false,
    errorHandler: (error) => {
      throw error;
    },
    serviceErrorHandler: end,
  });
  await CommandFactory.runApplication(line);
  await line.close();
}

function end(error: unknown): void {
  const { exitCode, message } = endingOf(error);
  if (message !== '') process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}

// What a command has opened is closed by now; an idle thread or socket must not keep its caller waiting.
void main()
  .catch(end)
  .finally(() => process.exit());
