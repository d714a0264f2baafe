import { fileURLToPath } from 'node:url';
import { Server } from '../server.mjs';
import { PRODUCTION } from '../settings.mjs';

const HOOKS = fileURLToPath(new URL('hooks.mjs', import.meta.url));
/** What is loaded before the product. */
export const HOOKED = ['--import', HOOKS];

export const environmentOf = (databaseUrl) => ({
  ...PRODUCTION,
  DATABASE_URL: databaseUrl,
  // Counted as ever, never reached.
  RATE_LIMITS: '9999',
});

/** The built server with `hooks.mjs`, pinned to a core. Resolves when it is ready. */
export async function startServer(databaseUrl, cwd) {
  const server = await Server.start('gatehouse-in-modules', {
    env: environmentOf(databaseUrl),
    cwd,
    nodeArgs: HOOKED,
  });
  await server.answers('/health/ready', (status) => status === 200);
  return server;
}
