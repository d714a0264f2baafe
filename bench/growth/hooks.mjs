// Loaded before the built server: takes out what does not depend on how much is stored, and keeps what is left alike.
// Neither sessions nor accounts are remembered, so every request is the first of its session; passwords are right
// without a hash; no jobs are worked, for they would run in somebody's round.
import passwordHasher from '../../dist/src/auth/passwords/password-hasher.js';
import eventLoopLag from '../../dist/src/common/load/event-loop-lag.js';
import crew from '../../dist/src/jobs/crew.js';
import sessionCache from '../../dist/src/sessions/session-cache.js';
import userCache from '../../dist/src/users/user-cache.js';

const HASH = `$bcrypt-hmac-sha384$p=0$2b$12$${'.'.repeat(53)}`;

replace(sessionCache.SessionCache, 'find', () => undefined);
// As if it had not been used for long: that it is used now is written down.
replace(sessionCache.SessionCache, 'keep', (session) => void (session.lastUsedAt = 0));
replace(userCache.UserCache, 'find', () => undefined);
replace(userCache.UserCache, 'keep', () => undefined);
replace(passwordHasher.PasswordHasher, 'verify', async () => true);
replace(passwordHasher.PasswordHasher, 'hash', async () => HASH);
// The machine has more to do than the server; that is not what is measured.
Object.defineProperty(eventLoopLag.EventLoopLag.prototype, 'isHigh', { get: () => false });
replace(crew.Crew, 'join', async () => undefined);

function replace({ prototype }, method, substitute) {
  if (!prototype[method]) throw new Error(`${method} is gone: growth/hooks.mjs must follow the server`);
  prototype[method] = substitute;
}
