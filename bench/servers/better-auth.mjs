// A peer: Better Auth as its documentation sets it up on Node, with addresses and passwords, cookies and bearer tokens,
// in a schema of its own of the same PostgreSQL. Limits count, and are far away.
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { bearer } from 'better-auth/plugins';
import { Pool } from 'pg';

const { COOKIE_CACHE, DATABASE_URL, JWT_SECRET, PORT, PUBLIC_URL } = process.env;
const SCHEMA = 'better_auth';
const rate = { window: 60, max: 1e9 };

const database = new Pool({
  connectionString: DATABASE_URL,
  max: 10,
  options: `-c search_path=${SCHEMA}`,
});
const options = {
  baseURL: PUBLIC_URL,
  secret: JWT_SECRET,
  database,
  emailAndPassword: { enabled: true, sendResetPassword: async () => {} },
  // By default 5 minutes: the sessions of a run are to have their copy in the cookie until its end.
  session: { cookieCache: { enabled: COOKIE_CACHE === 'on', maxAge: 24 * 3600 } },
  rateLimit: {
    enabled: true,
    ...rate,
    customRules: { '/sign-in/*': rate, '/sign-up/*': rate, '/request-password-reset': rate },
  },
  plugins: [bearer()],
  telemetry: { enabled: false },
};

await database.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
await (await getMigrations(options)).runMigrations();
const auth = betterAuth(options);
createServer(toNodeHandler(auth)).listen(Number(PORT), '127.0.0.1');

// Sessions without the passwords that opening them costs.
process.on('message', async ({ open }) => {
  if (!open) return;
  const { internalAdapter } = await auth.$context;
  const sessions = [];
  while (sessions.length < open.count) sessions.push(await internalAdapter.createSession(open.userId));
  process.send({ tokens: sessions.map(({ token }) => token) });
});
process.on('SIGTERM', () => process.exit());
