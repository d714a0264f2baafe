// Two replicas beside one, and limits shared through Redis beside each its own. CPU is that of all replicas.
//
// With fewer than four cores two replicas have one core between them, and at work at the same time they would push each other
// out of its caches: up to twice the CPU for a request, which replicas on machines of their own do not pay. So there they
// work in turn, each for half of a round, on the same sessions, while the other one listens to what is announced. What a
// replica costs because there is another one is in these figures; what the machine costs is not.
import { cpus } from 'node:os';
import { NEST } from '../limits.mjs';
import { ratio, throughput } from '../targets.mjs';
import { BY_BEARER, BY_COOKIE } from './profile.mjs';
import { REFRESH } from './refresh.mjs';
import { CREATE } from './tasks.mjs';

const PLACES = [
  { says: '1 replica', servers: ['gatehouse'] },
  { says: '2 replicas', servers: ['gatehouse', 'gatehouse 2'] },
  { says: '1 replica, Redis', servers: ['gatehouse redis'], needs: 'redis' },
  { says: '2 replicas, Redis', servers: ['gatehouse redis', 'gatehouse redis 2'], needs: 'redis' },
];
const SCENARIOS = [BY_BEARER, BY_COOKIE, REFRESH, CREATE];
/** What two do at least of what one does. */
const TWO_DO = 1.8;
const hasCores = cpus().length > 3;

export const lines = [
  NEST,
  ...SCENARIOS.flatMap((line) =>
    PLACES.map(({ says, servers, needs }) => ({
      ...line,
      name: `${line.name}, ${says}`,
      servers,
      needs,
      isInTurn: !hasCores,
    })),
  ),
];

export const targets = SCENARIOS.flatMap(({ name }) =>
  ['', ', Redis'].flatMap((redis) => {
    const [two, one] = [`${name}, 2 replicas${redis}`, `${name}, 1 replica${redis}`];
    return [
      ratio(two, one, { atMost: 2 / TWO_DO }),
      ...(hasCores ? [throughput(two, one, { atLeast: TWO_DO })] : []),
    ];
  }),
);

export const notes = hasCores
  ? []
  : [
      'Two replicas have one core here and serve in turn, half of a round each: that two do 1.8 times as much as one shows in CPU per request staying equal, within 2 / 1.8.',
    ];
