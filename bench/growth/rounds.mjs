// The same requests to two servers, one with an almost empty database and one with a full one, in short rounds.
import { Agent, request } from 'node:http';
import { keepAwake } from '../awake.mjs';
import { connectionsCpu, cpuMs, spentBetween } from './cpu.mjs';
import { pickPeople, sources } from './requests.mjs';
import { startServer } from './server.mjs';

const CONNECTIONS = 16;
const WARM_UP_SECONDS = 2;
/** Of two servers that are started one after the other the first was seen to take up to a tenth more, for as long as it ran. */
const ROUNDS_A_START = 4;
/** As in the filled sessions: no login is from a new device. */
const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36';

/** @param sides `{ name, url, users, client }` of each database @returns of each line, for each round, both sides */
export async function measure(sides, { rounds, seconds, folder, say }) {
  const places = [];
  for (const side of sides) {
    await tidyUp(side);
    places.push({ ...side, sources: sources(await pickPeople(side.client, side.users)) });
  }
  const titles = Object.keys(places[0].sources);
  const figures = Object.fromEntries(titles.map((title) => [title, []]));
  for (let round = 1, starts = 0; round <= rounds; round++) {
    if (round % ROUNDS_A_START === 1) {
      await stopServers(places);
      await startServers(starts++ % 2 ? places.toReversed() : places, titles, folder);
    }
    for (const title of titles) {
      const both = {};
      for (const place of round % 2 ? places : places.toReversed())
        both[place.name] = await take(place, title, seconds);
      figures[title].push(both);
    }
    say(`round ${round} of ${rounds}`);
  }
  await stopServers(places);
  return figures;
}

async function startServers(places, titles, folder) {
  for (const place of places) place.server = await startServer(place.url, folder);
  for (const title of titles) for (const place of places) await take(place, title, WARM_UP_SECONDS);
}

async function stopServers(places) {
  for (const { server } of places) await server?.stop();
}

async function take({ name, users, client, server, sources }, title, seconds) {
  await tidyUp({ client, users });
  const before = { server: cpuMs(server.child.pid), postgres: await connectionsCpu(client, name) };
  const requests = await load(server.port, sources[title], seconds);
  const after = { server: cpuMs(server.child.pid), postgres: await connectionsCpu(client, name) };
  return {
    requests,
    server: (after.server - before.server) / requests,
    postgres: spentBetween(before.postgres, after.postgres) / requests,
  };
}

/** What the round or the run before has made is removed: nobody has more sessions than the filling gave, in neither database. */
async function tidyUp({ client, users }) {
  await client.query(`DELETE FROM users WHERE id > (SELECT id FROM growth.newest WHERE name = 'users')`);
  await client.query(
    `DELETE FROM sessions WHERE id > (SELECT id FROM growth.newest WHERE name = 'sessions')`,
  );
  await client.query('TRUNCATE pgboss.job_common');
  // In a small table the same rows are written over and over; autovacuum would come in between.
  if (users < 10_000) await client.query('VACUUM users, sessions, tasks');
}

async function load(port, nextRequest, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const until = performance.now() + seconds * 1000;
  let answered = 0;
  const drive = async () => {
    while (performance.now() < until) {
      const next = nextRequest();
      await send(agent, port, next);
      next.done?.();
      answered += 1;
    }
  };
  const letSleep = keepAwake();
  await Promise.all(Array.from({ length: CONNECTIONS }, drive)).finally(letSleep);
  agent.destroy();
  return answered;
}

function send(agent, port, { method, path, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const text = body && JSON.stringify(body);
    const sent = request({
      agent,
      port,
      host: '127.0.0.1',
      method,
      path,
      headers: { 'User-Agent': AGENT, ...headers },
    });
    if (text) sent.setHeader('Content-Type', 'application/json').setHeader('Content-Length', text.length);
    sent.on('error', reject);
    sent.on('response', (answer) => {
      let read = '';
      answer.setEncoding('utf8').on('data', (part) => (read += part));
      answer.on('end', () =>
        answer.statusCode < 300
          ? resolve()
          : reject(new Error(`${method} ${path}: ${answer.statusCode} ${read}`)),
      );
    });
    sent.end(text);
  });
}
