import type { RouteBudget } from '../common/access/budget.decorator';

/** At most so many requests in so many seconds, counted from the first of them. */
export interface Rate {
  requests: number;
  seconds: number;
}

/** Whose requests are counted together. */
export type Scope = 'address' | 'account' | 'everyone';

/** A scope that is missing is not counted; docs/rate-limits.md says why. */
export type Budget = Partial<Record<Scope, Rate>>;

const MINUTE = 60;
const QUARTER = 15 * MINUTE;
const HOUR = 60 * MINUTE;

const rate = (requests: number, seconds: number): Rate => ({ requests, seconds });

/**
 * How much anybody may ask for. The one table of the limits: docs/rate-limits.md repeats it for people, held equal by a
 * test. `requests` counts everything but the probes, before a body is read; the others count what a route does.
 */
export const BUDGETS = {
  requests: { address: rate(3000, MINUTE) },
  login: { address: rate(30, MINUTE), account: rate(60, QUARTER), everyone: rate(6000, MINUTE) },
  register: { address: rate(20, HOUR), account: rate(5, HOUR), everyone: rate(3000, HOUR) },
  reset: { address: rate(10, QUARTER), account: rate(5, HOUR), everyone: rate(3000, HOUR) },
  resend: { address: rate(10, QUARTER), account: rate(5, HOUR), everyone: rate(3000, HOUR) },
  verify: { address: rate(30, MINUTE) },
  refresh: { address: rate(300, MINUTE) },
  'change-password': { address: rate(20, MINUTE), account: rate(20, QUARTER) },
  export: { address: rate(10, MINUTE), account: rate(10, HOUR) },
  tasks: { account: rate(300, MINUTE) },
} as const satisfies Record<'requests' | RouteBudget, Budget>;

export type BudgetName = keyof typeof BUDGETS;

/** Undefined where the budget does not count this scope. */
export function rateOf(name: BudgetName, scope: Scope): Rate | undefined {
  return (BUDGETS[name] as Budget)[scope];
}
