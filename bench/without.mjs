// Loaded before the built server: takes a part out of it for as long as the runner says so. The product has no such
// switch. With and without are the same process: two of one kind differ by more than what is measured here.
import authentication from '../dist/src/sessions/authentication.service.js';
import sessionCache from '../dist/src/sessions/session-cache.js';

const { AuthenticationService } = authentication;
const { SessionCache } = sessionCache;
let missing = null;

process.on('message', (part) => {
  missing = part;
  process.send('done');
});
process.on('disconnect', () => process.exit());

// A verified token is believed without asking for its session.
const authenticatedAt = new Date();
without('sessions', AuthenticationService, 'byAccessToken', async (id, userId) => ({
  session: { id, userId, transport: 'bearer', authenticatedAt },
  isExtended: false,
}));
// As while the LISTEN connection is down: nothing is found, nothing is kept, every request asks the database.
without('cache', SessionCache, 'find', () => undefined);
without('cache', SessionCache, 'keep', () => undefined);

function without(part, { prototype }, method, substitute) {
  const original = prototype[method];
  if (!original) throw new Error(`${method} is gone: without.mjs must follow the server`);
  prototype[method] = function (...args) {
    return missing === part ? substitute(...args) : original.apply(this, args);
  };
}
