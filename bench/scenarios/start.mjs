// From the start of the process to the first 200 of /health/ready, on a database that is up to date, and the memory it
// takes when nobody asks for anything. A bare Nest starts after each: it tells how fast the machine was then.
import { setTimeout as sleep } from 'node:timers/promises';
import { markdown } from '../markdown.mjs';
import { freePort } from '../place.mjs';
import { judged } from '../report.mjs';
import { Server } from '../server.mjs';
import { median, spread } from '../statistics.mjs';

const IDLE_SECONDS = 10;
/** To ask more often would cost the start more than it tells of it. */
const POLL_MS = 20;
/** Starts that are looked at phase by phase. */
const PHASED = 5;

export async function run(world, { rounds }) {
  // The first of all brings the database up to date.
  await world.server('gatehouse');
  await world.stopServers();
  const starts = [];
  while (starts.length < rounds) starts.push(await start(world));
  const phases = [];
  while (phases.length < PHASED) phases.push(await startInPhases(world));

  const of = (figure) => starts.map((each) => each[figure]);
  const targets = [
    { says: 'ready after, s', value: ({ ready }) => ready, atMost: 1.5 },
    { says: `memory after ${IDLE_SECONDS} s idle, MB`, value: ({ memory }) => memory, atMost: 130 },
  ];
  return [
    markdown(
      [`${rounds} starts`, 'ready after s', 'CPU s until then', `MB after ${IDLE_SECONDS} s idle`],
      [
        ['Gatehouse', spread(of('ready'), 2), spread(of('cpu'), 2), spread(of('memory'), 0)],
        ['bare Nest on Fastify', spread(of('bareReady'), 2), spread(of('bareCpu'), 2), ''],
      ],
    ),
    markdown(['where the time goes, with hooks that slow it a little', 'ms'], shares(phases)),
    judged(targets, starts),
  ].join('\n\n');
}

async function start(world) {
  const { server, ready, cpu } = await begin(world, 'gatehouse-as-it-is');
  await sleep(IDLE_SECONDS * 1000);
  const memory = server.memory().now;
  await server.stop();
  const bare = await begin(world, 'nest', '/public');
  await bare.server.stop();
  return { ready, cpu, memory, bareReady: bare.ready, bareCpu: bare.cpu };
}

async function startInPhases(world) {
  const { server, ready } = await begin(world, 'gatehouse');
  const { reached } = await server.ask({ tell: 'phases' });
  await server.stop();
  return [...reached, { phase: 'listening, ready, and the time to hear of it', at: ready * 1000 }];
}

async function begin({ env, folder: cwd }, name, path = '/health/ready') {
  const startedAt = performance.now();
  const server = new Server(name, await freePort(), { env, cwd, nodeArgs: [] });
  await server.answers(path, (status) => status === 200, POLL_MS);
  return { server, ready: (performance.now() - startedAt) / 1000, cpu: server.cpuMs() / 1000 };
}

/** What each phase took, the longest first. */
function shares(starts) {
  return starts[0]
    .map(({ phase }, at) => [
      phase,
      median(starts.map((reached) => reached[at].at - (reached[at - 1]?.at ?? 0))),
    ])
    .sort(([, a], [, b]) => b - a)
    .map(([phase, ms]) => [phase, ms.toFixed(0)]);
}
