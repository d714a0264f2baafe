/** Time-outs and pauses in milliseconds. */
export const LEAD_IN_MS = 1_500;
/** Load goes on for so long after a neighbour's return: what it left behind would show. */
export const TAIL_MS = 4_000;
/** The most patient client gives up after this. Nothing of Gatehouse may take so long. */
export const PATIENCE_MS = 15_000;

/** Virtual users, each with an account of its own, and requests a second of all of them together. */
export const USERS = 20;
export const RATE = 40;
/** Sessions of one account that are remembered and checked: the newest. */
export const SESSIONS_KEPT = 6;

/** How often something is done, of 100 requests. What hashes a password is dear: 16 of 100. */
export const MIX = { read: 70, refresh: 15, login: 10, rename: 2, changePassword: 1, logout: 1, register: 1 };

export const MAIL_FROM = 'mail@gatehouse.example';
export const SHUTDOWN_DELAY_MS = 3_000;

/** Both replicas, as in production. Limits count, and are far away. */
export const PRODUCTION = {
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  PUBLIC_URL: 'https://auth.example.org',
  JWT_SECRET: 'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV',
  MAIL_FROM: `Gatehouse <${MAIL_FROM}>`,
  // A session need not refresh for as long as the drill lasts.
  ACCESS_TOKEN_TTL: '12h',
  BCRYPT_COST: '10',
  RATE_LIMITS: '9999',
  TRUST_PROXY: '127.0.0.1',
  SHUTDOWN_DELAY: `${SHUTDOWN_DELAY_MS / 1000}s`,
  LOG_FORMAT: 'json',
};

/** The proxy asks them in turn. */
export const REPLICAS = 2;
/** Of a session, on every replica, from the answer that ended it. docs/flows/devices.md says how it gets round. */
export const ENDED_WITHIN_MS = 1_000;
