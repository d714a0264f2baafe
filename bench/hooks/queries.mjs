// Loaded before a server that uses `pg`: counts how often it waits for PostgreSQL and how many queries that makes, BEGIN
// and COMMIT too: several may travel together.
import { Client, Connection } from 'pg';
import { serialize } from 'pg-protocol';

const asked = { roundTrips: 0, queries: 0 };

counted(Client.prototype, 'query', 'roundTrips');
// The driver's own steps: a text without parameters, and the execution of a statement with them.
counted(Connection.prototype, 'query', 'queries');
counted(serialize, 'execute', 'queries');

process.on('message', (message) => {
  if (message.tell === 'asked') process.send(asked);
});
// Whoever asks is gone: a server without its runner would go on for ever.
process.on('disconnect', () => process.exit());

function counted(owner, method, kind) {
  const original = owner[method];
  owner[method] = function (...args) {
    asked[kind] += 1;
    return original.apply(this, args);
  };
}
