// Whether the server still answers while clients log in with wrong passwords. The great floods are in FLOOD.md.
import { message } from '../flood/connection.mjs';
import { markdown } from '../markdown.mjs';

const CLIENTS = 16;
const PROBES_A_SECOND = 50;
const WARM_UP_SECONDS = 3;
/** Until every client waits for a password. */
const FILL_SECONDS = 2;
/** Milliseconds, as load-shedding.md promises them. */
const MOST = 50;
/** Runs when the core has nothing else to do (SCHED_IDLE): the probes and PostgreSQL go first. */
const IN_THE_GAPS = ['chrt', '--idle', '0'];

export async function run(world, { seconds }) {
  const { port } = await world.server('gatehouse proxied');
  const ask = world.startProcess('flood/probes.mjs');
  const attack = world.startProcess('flood/attackers.mjs', IN_THE_GAPS);
  const live = {
    name: 'live',
    perSecond: PROBES_A_SECOND,
    messages: [message('GET', '/health/live')],
  };
  const probe = (length) => ask({ port, seconds: length, probes: [live] });

  await probe(WARM_UP_SECONDS);
  const idle = await probe(seconds);
  const flood = attack({
    port,
    seconds: seconds + FILL_SECONDS,
    clients: CLIENTS,
    addresses: CLIENTS,
    manners: 'retry-after',
  });
  await new Promise((resolve) => setTimeout(resolve, FILL_SECONDS * 1000));
  const flooded = await probe(seconds);
  const { byStatus } = await flood;
  const ms = ({ live: answers }, part) => answers[200][part].toFixed(1);
  const unanswered = ({ live: { 200: _fine, ...others } }) =>
    Object.values(others).reduce((sum, { count }) => sum + count, 0);
  const isMet = flooded.live[200].p99 <= MOST && unanswered(flooded) === 0;
  return [
    `${CLIENTS} connections log in with wrong passwords for ${seconds} s, each time for another account, while /health/live is asked ${PROBES_A_SECOND} times a second.`,
    markdown(
      ['', 'idle', 'flooded', 'promise', ''],
      [
        ['/health/live p50 ms', ms(idle, 'p50'), ms(flooded, 'p50'), '', ''],
        [
          '/health/live p99 ms',
          ms(idle, 'p99'),
          ms(flooded, 'p99'),
          `≤ ${MOST}`,
          isMet ? 'met' : '**missed**',
        ],
        ['not answered 200', String(unanswered(idle)), String(unanswered(flooded)), '', ''],
        ['passwords judged', '', String(byStatus[401]?.count ?? 0), '', ''],
      ],
    ),
  ].join('\n\n');
}
