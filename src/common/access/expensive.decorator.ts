import { RouteConfig } from '@nestjs/platform-fastify';

/**
 * How sure it is that a request of a route costs a password hash. `always`: while the service is overloaded it is
 * refused before its body is read. `sometimes`: it is refused only if it comes to hashing.
 */
export type Expense = 'always' | 'sometimes';

/** What the route's Fastify config says, for the hooks that stand before Nest. */
export interface ExpensiveRoute {
  expensive?: Expense;
}

/**
 * Marks a route that hashes a password: load shedding refuses it first, and the hash gate learns whose work it is. It
 * cannot be forgotten: without the mark the hasher refuses to work.
 */
export const Expensive = (expense: Expense): MethodDecorator =>
  RouteConfig({ expensive: expense } satisfies ExpensiveRoute);
