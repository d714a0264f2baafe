import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { createAdapter } from './app.setup';
import { newSecret } from './common/crypto/tokens';
import { openApiDocument } from './docs/openapi';
import { provision } from './provision';

/** `npm run openapi`: writes the document of the code to the file named on the command line. */
async function write(file: string): Promise<void> {
  const { config, release } = await provision({
    ...process.env,
    SMTP_URL: 'smtp://localhost',
    // The document describes every route there can be.
    METRICS_TOKEN: newSecret(),
    LOG_LEVEL: 'silent',
  });
  // `preview` builds the module graph without instances: no database is needed.
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config),
    createAdapter(config),
    {
      preview: true,
      logger: false,
    },
  );
  writeFileSync(file, `${JSON.stringify(openApiDocument(app), null, 2)}\n`);
  await release();
}

void write(process.argv[2] ?? 'docs/openapi.json').then(() => process.exit(0));
