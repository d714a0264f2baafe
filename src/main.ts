// First: what is to be traced must not be loaded before.
import { endTracing } from './tracing/start';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import { APP_OPTIONS, configureApp, createAdapter } from './app.setup';
import { banner } from './banner';
import { isWorthWaiting } from './common/errors/outage';
import { explain } from './common/errors/start-error';
import { Lifecycle } from './common/lifecycle';
import type { Config } from './config/config';
import { ConfigurationError } from './config/env';
import { handleUncaught } from './last-resort';
import { logDestination } from './log/destination';
import { createLogger } from './log/logger-options';
import { provision } from './provision';
import { migrateAtStart, UnmigratedError } from './schema/migrate';
import { WaitingRoom } from './waiting-room';

/** Where `npm start` passes Ctrl-C on, the terminal has sent it too: signals this close are one. */
const SAME_SIGNAL_MS = 500;

/** Between two tries to reach the database, doubling. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
/** For requests and jobs under way to finish once connections are refused; what takes longer is cut. */
const CLOSE_MS = 10_000;

/** For the last lines of the log. */
const FLUSH_MS = 500;

const STUCK = 1;
const BROKEN = 1;
const EX_CONFIG = 78; // sysexits.h
const INTERRUPTED = 130;

async function main(interrupted: AbortSignal): Promise<void> {
  const { config, release } = await provision(process.env);
  try {
    const app = await prepare(config, interrupted);
    if (app) await serve(app, config, interrupted);
  } finally {
    await release();
  }
}

/**
 * The application on an up-to-date schema. A database that is away is waited for, and one that another process has yet to
 * migrate, so that the order in which things start does not matter: probes hear "alive" and "not ready" meanwhile.
 * Undefined when interrupted.
 */
async function prepare(
  config: Config,
  interrupted: AbortSignal,
): Promise<NestFastifyApplication | undefined> {
  // From the first moment: a database that does not answer at all keeps the first try waiting for seconds.
  const room = await WaitingRoom.open(config.http);
  try {
    for (let tries = 0; !interrupted.aborted; tries++) {
      try {
        await migrateAtStart(config.database);
        return await build(config);
      } catch (error) {
        if (!isWorthWaiting(error) && !(error instanceof UnmigratedError)) throw error;
        await waitAWhile(tries, error, config, interrupted);
      }
    }
    return undefined;
  } finally {
    await room.close();
  }
}

async function build(config: Config): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config),
    createAdapter(config),
    APP_OPTIONS,
  );
  app.useLogger(app.get(Logger));
  try {
    await configureApp(app);
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function waitAWhile(tries: number, reason: unknown, { log }: Config, interrupted: AbortSignal) {
  const ms = Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS);
  // The application's own logger comes with the application.
  createLogger(log).warn({
    event: 'database.awaited',
    reason: explain(reason),
    retryMs: ms,
    msg: 'waiting for the database',
  });
  await sleep(ms, undefined, { signal: interrupted }).catch(() => undefined);
}

async function serve(app: NestFastifyApplication, config: Config, interrupted: AbortSignal): Promise<void> {
  try {
    await app.listen(config.http.port, config.http.host);
    process.stdout.write(banner(config, await app.getUrl()));
    if (!interrupted.aborted) await once(interrupted, 'abort');
    app.get(Lifecycle).drain();
    const { shutdownDelay } = config.operations;
    setTimeout(() => process.exit(STUCK), shutdownDelay + CLOSE_MS).unref();
    await sleep(shutdownDelay);
  } finally {
    await app.close();
    await endTracing();
  }
}

/** Aborts at the first request to stop; a second one ends the process at once. */
function listenForSignals(interruption: AbortController): void {
  let firstAt = 0;
  const stop = () => {
    if (!interruption.signal.aborted) firstAt = performance.now();
    else if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    interruption.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

// A terminal that is gone, a disk that is full: whoever should read it does not, and that is no reason to end.
process.stdout.on('error', () => undefined);

const interruption = new AbortController();
const { signal: interrupted } = interruption;
let hasBroken = false;
listenForSignals(interruption);
handleUncaught(() => {
  hasBroken = true;
  interruption.abort();
});
main(interrupted)
  .then(
    () => (hasBroken ? BROKEN : 0),
    (error: unknown) => {
      // What was interrupted half-way has failed because of that.
      if (interrupted.aborted) return INTERRUPTED;
      process.stderr.write(`${explain(error)}\n`);
      return error instanceof ConfigurationError ? EX_CONFIG : 1;
    },
  )
  .then(async (code) => {
    // The last lines, unless nobody reads them.
    await logDestination().flushed(FLUSH_MS);
    process.exit(code);
  });
