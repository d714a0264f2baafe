import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './common/errors/start-error';
import { Config } from './config/config';
import { readEnv } from './config/env';
import { generatedSecret } from './config/generated-secret';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './database/embedded-postgres';
import { joinEmbeddedPostgres } from './database/embedded/join';

export interface Provision {
  config: Config;
  /** Stops what was started for a newcomer. */
  release(): Promise<void>;
}

/**
 * Where DATABASE_URL is absent. `start`: this process runs the embedded PostgreSQL, as its only user. `join`: the one that
 * a server of this folder runs is used too, and one is run only where there is none. `none`: no database is needed.
 */
export type EmbeddedUse = 'start' | 'join' | 'none';

/** Leads nowhere: for what reads the settings and opens no connection. */
const NO_DATABASE = 'postgres://127.0.0.1:1/none';

/**
 * Reads the configuration, from `.env` too, and stands in for what a newcomer has not got: a PostgreSQL and a secret,
 * kept in `.data/` of the working directory. With DATABASE_URL set nothing embedded is touched.
 *
 * @throws StartError, of which ConfigurationError is one
 */
export async function provision(
  environment: NodeJS.ProcessEnv,
  embedded: EmbeddedUse = 'start',
): Promise<Provision> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const env = readEnv(environment);
  const dataDir = join(process.cwd(), '.data');
  let postgres: EmbeddedPostgres | undefined;
  if (!env.DATABASE_URL && embedded !== 'none')
    postgres = await startPostgres(join(dataDir, 'postgres'), embedded);
  const config = Config.from(env, {
    databaseUrl: postgres?.url ?? NO_DATABASE,
    jwtSecret: env.JWT_SECRET ? undefined : generatedSecret(dataDir),
  });
  return { config, release: async () => postgres?.stop() };
}

async function startPostgres(dataDir: string, use: 'start' | 'join'): Promise<EmbeddedPostgres> {
  try {
    return await (use === 'join' ? joinEmbeddedPostgres({ dataDir }) : startEmbeddedPostgres({ dataDir }));
  } catch (error) {
    throw new StartError((error as Error).message, { cause: error });
  }
}
