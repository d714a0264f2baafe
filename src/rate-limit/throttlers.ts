import type { ExecutionContext } from '@nestjs/common';
import type { ThrottlerModuleOptions, ThrottlerOptions } from '@nestjs/throttler';
import { BUDGET, type RouteBudget } from '../common/access/budget.decorator';
import { markUnder } from '../common/access/marks';
import type { Scope } from './budgets';
import type { RateLimitService } from './rate-limit.service';

/** The budget that the route asks for; undefined where `requests` is all that counts. */
export const budgetOf = markUnder<RouteBudget>(BUDGET);

/** One throttler a scope. Its figures are those of the route's budget. */
export function throttlersOf(limits: RateLimitService): ThrottlerModuleOptions {
  const scopes: Scope[] = ['address', 'account', 'everyone'];
  return { storage: limits, throttlers: scopes.map((scope) => throttlerOf(scope, limits)) };
}

function throttlerOf(scope: Scope, limits: RateLimitService): ThrottlerOptions {
  const rateFor = (context: ExecutionContext) => limits.rateOf(budgetOf(context)!, scope);
  return {
    name: scope,
    limit: (context) => rateFor(context)!.requests,
    ttl: (context) => rateFor(context)!.seconds * 1000,
    skipIf: (context) => rateFor(context) === undefined,
  };
}
