// Takes a part out of the server for as long as the runner says so. The product has no such switch. With and without are
// the same process: two of one kind differ by more than what is measured here.
const { PasswordHasher } = require('../../dist/src/auth/passwords/password-hasher.js');
const { AuthenticationService } = require('../../dist/src/sessions/authentication.service.js');
const { SessionCache } = require('../../dist/src/sessions/session-cache.js');

let missing = null;

process.on('message', ({ without: part }) => {
  if (part === undefined) return;
  missing = part;
  process.send({ isTakenOut: true });
});
process.on('disconnect', () => process.exit());

// A verified token is believed without asking for its session.
const authenticatedAt = Date.now();
const believed = ({ sessionId: id, userId }) => ({ id, userId, transport: 'bearer', authenticatedAt });
without('sessions', AuthenticationService, 'recallByAccessToken', believed);
without('sessions', AuthenticationService, 'byAccessToken', async (content) => ({
  session: believed(content),
  isExtended: false,
}));
// As while the LISTEN connection is down: nothing is found, nothing is kept, every request asks the database.
without('cache', SessionCache, 'find', () => undefined);
without('cache', SessionCache, 'keep', () => undefined);
// Every password is right and has the same hash: what is left is all the rest of a login or a registration.
const hash = `$bcrypt-hmac-sha384$p=0$2b$12$${'.'.repeat(53)}`;
without('hashing', PasswordHasher, 'verify', async () => true);
without('hashing', PasswordHasher, 'hash', async () => hash);

function without(part, { prototype }, method, substitute) {
  const original = prototype[method];
  if (!original) throw new Error(`${method} is gone: hooks/without.cjs must follow the server`);
  prototype[method] = function (...args) {
    return missing === part ? substitute(...args) : original.apply(this, args);
  };
}
