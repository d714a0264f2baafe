import { setTimeout as sleep } from 'node:timers/promises';

/** V8 takes some ten thousand requests of a kind until it has compiled all that they run; slow lines end before. */
const WARM_UP_REQUESTS = 10_000;
const WARM_UP_SECONDS = 10;
/** Not measured: the server before had the core and its caches. */
const LEAD_IN_SECONDS = 0.2;
const IDLE_SECONDS = 5;

/**
 * Loads the lines one after the other, many times over.
 *
 * @returns for each round what was measured of each line, by its name, a request; and the most memory of each server
 */
export async function measure(world, { lines, rounds: count, seconds, connections }) {
  const jobs = [];
  for (const line of lines) {
    const servers = [];
    for (const name of line.servers ?? [line.server]) servers.push(await world.server(name));
    jobs.push({ connections, seconds, ...line, servers });
  }
  for (const job of jobs) job.next = await job.requests(world);
  const idle = await idleRates();
  for (const job of jobs) await warmUp(job);
  const from = process.hrtime.bigint() / 1000n;
  const rounds = [];
  while (rounds.length < count) {
    const round = {};
    // There and back again, so that no line always follows the same one.
    for (const job of rounds.length % 2 ? jobs.toReversed() : jobs) round[job.name] = await take(job);
    rounds.push(round);
    process.stderr.write(`round ${rounds.length} of ${count}\n`);
  }
  const memory = [...world.servers].map(([name, server]) => ({ name, most: server.memory().most }));
  return { rounds, memory, from };

  async function take(job) {
    if (!job.isSlow) await load(job, LEAD_IN_SECONDS);
    const send = await prepare(job, job.seconds);
    const startedAt = performance.now();
    const before = await stand(job.servers);
    const answered = await send();
    const after = await stand(job.servers);
    const passed = (performance.now() - startedAt) / 1000;
    const spent = (figure) =>
      job.servers.map((_, at) => after.servers[at][figure] - before.servers[at][figure]);
    const inTheBackground = (figure) =>
      job.servers.map((server) => idle.servers.get(server)[figure] * passed);
    const perRequest = (figure) =>
      (total(spent(figure)) - total(inTheBackground(figure))) / answered.answered;
    return {
      cpu: perRequest('cpu'),
      roundTrips: perRequest('roundTrips'),
      queries: perRequest('queries'),
      postgres: (after.postgres - before.postgres - idle.postgres * passed) / answered.answered,
      perSecond: answered.perSecond,
      p50: answered.p50,
      p99: answered.p99,
      refused: answered.refused,
      memory: total(job.servers.map((server) => server.memory().now)),
    };
  }

  async function warmUp(job) {
    // Servers in turn get as much of it each as one by itself.
    const each = job.isInTurn ? job.servers.length : 1;
    let served = 0;
    do served += (await load(job, WARM_UP_SECONDS * each)).answered;
    while (!job.isSlow && served < WARM_UP_REQUESTS * each);
  }

  async function load(job, seconds) {
    const send = await prepare(job, seconds);
    return send();
  }

  /** What has to be made for the requests is made before anything is measured. */
  async function prepare(job, seconds) {
    const { servers, connections, next, without = null, mayRefuse, isInTurn, sendsMail } = job;
    const { after, ...requests } = await next(seconds, connections);
    await Promise.all(servers.map((server) => server.takeOut(without)));
    const ports = servers.map(({ port }) => port);
    return async () => {
      const answered = await world.load({ ports, connections, seconds, mayRefuse, isInTurn, ...requests });
      after?.(answered);
      // The letters are part of what was asked for.
      if (sendsMail) await world.mailIsDelivered();
      return answered;
    };
  }

  /** What happens in a second in which nobody asks for anything. */
  async function idleRates() {
    const servers = [...world.servers.values()];
    const startedAt = performance.now();
    const before = await stand(servers);
    await sleep(IDLE_SECONDS * 1000);
    const after = await stand(servers);
    const passed = (performance.now() - startedAt) / 1000;
    const rates = (at) =>
      Object.fromEntries(
        Object.entries(before.servers[at]).map(([figure, value]) => [
          figure,
          (after.servers[at][figure] - value) / passed,
        ]),
      );
    return {
      postgres: (after.postgres - before.postgres) / passed,
      servers: new Map(servers.map((server, at) => [server, rates(at)])),
    };
  }

  async function stand(servers) {
    const each = [];
    for (const server of servers) each.push({ cpu: server.cpuMs(), ...(await server.asked()) });
    return { servers: each, postgres: world.postgresCpuMs() };
  }
}

const total = (values) => values.reduce((sum, value) => sum + value, 0);
