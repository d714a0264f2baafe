// A process of its own that floods a server with wrong logins, each for another account: so many clients at a time,
// each with a connection of its own, the next attempt after the answer to the last.
import { setTimeout as sleep } from 'node:timers/promises';
import { collect, Connection, login, summaries } from './connection.mjs';

process.on('message', async (job) => process.send(await flood(job)));
process.on('disconnect', () => process.exit());

/**
 * @param job `manners` is what a client does when it is refused: wait as long as `Retry-After` says, or so many
 *   milliseconds; `addresses` is from how many addresses they come
 * @returns answers by status, with the milliseconds they took
 */
async function flood({ port, seconds, clients, addresses, manners }) {
  const took = {};
  const until = performance.now() + seconds * 1000;
  const connections = Array.from({ length: clients }, () => new Connection(port));
  const crowd = Promise.all(connections.map((connection, number) => attack(connection, number)));
  await Promise.race([crowd, sleep(seconds * 1000)]);
  // Attempts that still wait are given up: the server drops them.
  for (const connection of connections) connection.close();
  return { seconds, byStatus: summaries(took) };

  async function attack(connection, number) {
    const address = `203.0.113.${number % addresses}`;
    for (let attempt = 0; performance.now() < until; attempt++) {
      const start = performance.now();
      const email = `nobody-${number}-${attempt}@example.org`;
      const { status, retryAfter } = await connection.send(login(email, 'wrong horse 7 battery!', address));
      collect(took, status, performance.now() - start);
      if (status === 401) continue;
      const pause = manners === 'retry-after' ? (retryAfter ?? 1) * 1000 : manners;
      if (pause > 0) await sleep(pause);
    }
  }
}
