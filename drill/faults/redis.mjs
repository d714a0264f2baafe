import { medianAtMostAbove, noErrors, slowestReadAtMost } from '../expectations.mjs';

/** Limits go on in each process for itself; that they hold is what test/e2e/shared-limits shows. */
const unnoticed = [noErrors, medianAtMostAbove(50), slowestReadAtMost(2_000)];

export default [
  {
    id: 'redis-killed',
    name: 'Redis killed for 6 s',
    seconds: 6,
    inflict: ({ redis }) => redis.kill(),
    heal: ({ redis }) => redis.start(),
    expect: unnoticed,
  },
  {
    id: 'redis-silent',
    name: 'Redis suspended for 6 s (SIGSTOP)',
    seconds: 6,
    inflict: ({ redis }) => redis.suspend(),
    heal: ({ redis }) => redis.resume(),
    expect: unnoticed,
  },
];
