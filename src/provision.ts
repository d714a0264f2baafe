import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './common/errors/start-error';
import { Config } from './config/config';
import { readEnv } from './config/env';
import { generatedSecret } from './config/generated-secret';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './database/embedded-postgres';

export interface Provision {
  config: Config;
  /** Stops what was started for a newcomer. */
  release(): Promise<void>;
}

/**
 * Reads the configuration, from `.env` too, and stands in for what a newcomer has not got: a PostgreSQL and a secret,
 * kept in `.data/` of the working directory. With DATABASE_URL set nothing embedded is touched.
 *
 * @throws StartError, of which ConfigurationError is one
 */
export async function provision(environment: NodeJS.ProcessEnv): Promise<Provision> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const env = readEnv(environment);
  const dataDir = join(process.cwd(), '.data');
  let postgres: EmbeddedPostgres | undefined;
  if (!env.DATABASE_URL) postgres = await startPostgres(join(dataDir, 'postgres'));
  const config = Config.from(env, {
    databaseUrl: postgres?.url,
    jwtSecret: env.JWT_SECRET ? undefined : generatedSecret(dataDir),
  });
  return { config, release: async () => postgres?.stop() };
}

async function startPostgres(dataDir: string): Promise<EmbeddedPostgres> {
  try {
    return await startEmbeddedPostgres({ dataDir });
  } catch (error) {
    throw new StartError((error as Error).message, { cause: error });
  }
}
