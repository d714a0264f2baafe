import { once } from 'node:events';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import { APP_OPTIONS, configureApp, createAdapter } from './app.setup';
import { banner } from './banner';
import { explain } from './common/errors/start-error';
import type { Config } from './config/config';
import { ConfigurationError } from './config/env';
import { provision } from './provision';
import { migrateUp } from './schema/migrate';

/** Where `npm start` passes Ctrl-C on, the terminal has sent it too: signals this close are one. */
const SAME_SIGNAL_MS = 500;

const EX_CONFIG = 78; // sysexits.h
const INTERRUPTED = 130;

async function main(interrupted: AbortSignal): Promise<void> {
  const { config, release } = await provision(process.env);
  try {
    if (!interrupted.aborted) await migrateUp(config.database);
    if (!interrupted.aborted) await serve(config, interrupted);
  } finally {
    await release();
  }
}

async function serve(config: Config, interrupted: AbortSignal): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config),
    createAdapter(config),
    APP_OPTIONS,
  );
  app.useLogger(app.get(Logger));
  try {
    await configureApp(app);
    await app.listen(config.http.port, config.http.host);
    process.stdout.write(banner(config, await app.getUrl()));
    if (!interrupted.aborted) await once(interrupted, 'abort');
  } finally {
    await app.close();
  }
}

/** Aborts at the first request to stop; a second one ends the process at once. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  let firstAt = 0;
  const stop = () => {
    if (!interrupted.signal.aborted) firstAt = performance.now();
    else if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    interrupted.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return interrupted.signal;
}

const interrupted = interruption();
main(interrupted).then(
  () => process.exit(0),
  (error: unknown) => {
    // What was interrupted half-way has failed because of that.
    if (interrupted.aborted) process.exit(INTERRUPTED);
    process.stderr.write(`${explain(error)}\n`);
    process.exit(error instanceof ConfigurationError ? EX_CONFIG : 1);
  },
);
