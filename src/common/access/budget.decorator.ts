import { SetMetadata } from '@nestjs/common';

export const BUDGET = 'gatehouse:budget';

/** The budgets of `src/rate-limit/budgets.ts` that a route can ask for. Every route counts as `requests` besides. */
export type RouteBudget =
  'login' | 'register' | 'reset' | 'resend' | 'verify' | 'refresh' | 'change-password' | 'export' | 'tasks';

/** What requests to this route are counted as; routes that do the same thing share one count. */
export const Budget = (name: RouteBudget) => SetMetadata(BUDGET, name);
