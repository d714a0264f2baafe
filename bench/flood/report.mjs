import { markdown } from '../markdown.mjs';

/** Milliseconds, as the project promises them. Reads: times what they take when nothing else happens. */
const PROMISED = { live: 50, lag: 20, surplus: 50, reads: 2, side: 50 };

export function preamble({ command, seconds, clients, cost, cpu }) {
  return `# A flood of wrong logins

\`${command}\`, on ${cpu}: ${clients} clients at a time, each with a connection of its own, log in with wrong passwords
for ${seconds} s, every time for another account; bcrypt cost ${cost}, production settings. See [README.md](README.md) for how it
is measured and [load shedding](../docs/load-shedding.md) for what the server does. In milliseconds, in brackets when idle.`;
}

/** A table of lines what is looked at, columns the floods. */
export function report(results) {
  const lines = [
    ['`GET /health/live` p50', (r) => pair(r, ({ probes }) => probes.live[200].p50)],
    [`… p99, at most ${PROMISED.live}`, judged(liveP99, (r) => liveP99(r) <= PROMISED.live)],
    ['`GET /api/auth/profile` p50', (r) => pair(r, ({ probes }) => probes.profile[200].p50)],
    [`… p99, at most ${PROMISED.reads} × idle`, judged(profileP99, isQuickToRead)],
    ['… and `/health/live`, not answered 200', (r) => String(unanswered(r.hit.probes))],
    ['lag of the event loop p50', (r) => pair(r, ({ lag }) => lag.p50)],
    [`… p99, at most ${PROMISED.lag}`, judged(lagP99, (r) => lagP99(r) <= PROMISED.lag)],
    ['a login too many (503 at the door) p50', (r) => ms(r.hit.probes.surplus[503]?.p50)],
    [`… p99, at most ${PROMISED.surplus}`, judged(surplusP99, (r) => surplusP99(r) <= PROMISED.surplus)],
    ['… let into the queue and refused there', (r) => share(r.hit.probes.surplus, '503 after waiting')],
    ['`dns.lookup` p99', (r) => pair(r, ({ dns }) => dns.p99)],
    ['`fs.stat` p99', (r) => pair(r, ({ fs }) => fs.p99)],
    ['passwords judged a second', (r) => rate(r, 401)],
    ['logins refused a second', (r) => rate(r, 503)],
    ['right logins from an address of its own, 200 of all', (r) => share(r.hit.probes.owner, 200)],
    ['… p50', (r) => ms(r.hit.probes.owner[200]?.p50)],
  ];
  const header = ['', ...results.map(({ name }) => name)];
  const rows = lines.map(([label, cell]) => [label, ...results.map((result) => cell(result))]);
  return `${markdown(header, rows)}\n\n${results.map(({ name, says }) => `- **${name}**: ${says}.`).join('\n')}`;
}

const liveP99 = ({ hit }) => hit.probes.live[200].p99;
const profileP99 = ({ hit }) => hit.probes.profile[200].p99;
const lagP99 = ({ hit }) => hit.lag.p99;
const surplusP99 = ({ hit }) => hit.probes.surplus[503]?.p99;
const isQuickToRead = (r) => profileP99(r) <= PROMISED.reads * r.idle.probes.profile[200].p99;

const IDLE = new Map([
  [liveP99, ({ idle }) => idle.probes.live[200].p99],
  [profileP99, ({ idle }) => idle.probes.profile[200].p99],
  [lagP99, ({ idle }) => idle.lag.p99],
]);

function judged(value, isMet) {
  return (result) => {
    const idle = IDLE.get(value)?.(result);
    return `${ms(value(result))}${idle === undefined ? '' : ` (${ms(idle)})`} ${isMet(result) ? 'met' : '**missed**'}`;
  };
}

const pair = ({ idle, hit }, value) => `${ms(value(hit))} (${ms(value(idle))})`;
const ms = (value) => (value === undefined ? 'none' : value.toFixed(value < 10 ? 1 : 0));
const rate = ({ hit: { attack } }, status) =>
  ((attack.byStatus[status]?.count ?? 0) / attack.seconds).toFixed(status === 401 ? 1 : 0);

function unanswered({ live, profile }) {
  return [live, profile]
    .flatMap(Object.entries)
    .filter(([status]) => status !== '200')
    .reduce((sum, [, { count }]) => sum + count, 0);
}

function share(answers, outcome) {
  const all = Object.values(answers).reduce((sum, { count }) => sum + count, 0);
  return `${answers[outcome]?.count ?? 0} of ${all}`;
}
