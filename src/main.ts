import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import { APP_OPTIONS, configureApp, createAdapter } from './app.setup';
import { banner } from './banner';
import type { Config } from './config/config';
import { ConfigurationError } from './config/env';
import { provision } from './provision';
import { migrateUp } from './schema/migrate';

async function main(): Promise<void> {
  const { config, release } = await provision(process.env);
  const stopping = interruption();
  try {
    await migrateUp(config.database);
    const app = await createApp(config);
    await app.listen(config.http.port, config.http.host);
    process.stdout.write(banner(config, await app.getUrl()));
    await stopping;
    await app.close();
  } finally {
    await release();
  }
}

async function createApp(config: Config): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config),
    createAdapter(config),
    APP_OPTIONS,
  );
  app.useLogger(app.get(Logger));
  await configureApp(app);
  return app;
}

/** Resolves at the first request to stop; a second one ends the process at once. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = () => {
      if (isStopping) process.exit(130);
      isStopping = true;
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const isOperatorsMistake = error instanceof ConfigurationError;
    process.stderr.write(
      `${isOperatorsMistake ? error.message : String((error as Error)?.stack ?? error)}\n`,
    );
    process.exit(isOperatorsMistake ? 78 /* EX_CONFIG of sysexits.h */ : 1);
  },
);
