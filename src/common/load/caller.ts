import { AsyncLocalStorage } from 'node:async_hooks';

/** For whom expensive work is done. */
export interface Caller {
  /** The client's bucket as `addressKey` names it; or the name of what in this process asks, such as `cli`. */
  address: string;
  /** Aborts when the client hangs up before it has its answer. */
  signal?: AbortSignal;
}

// Not a parameter: between the request and the hash lie services that have no business with either.
const callers = new AsyncLocalStorage<Caller>();

/** Runs the action, and what it awaits, on the caller's account. */
export function runFor<Result>(caller: Caller, action: () => Result): Result {
  return callers.run(caller, action);
}

/** @throws TypeError on a route without `@Expensive()`, and outside of requests without `runFor` */
export function currentCaller(): Caller {
  const caller = callers.getStore();
  if (!caller)
    throw new TypeError('Nobody to account this work to: mark the route @Expensive(), or use runFor()');
  return caller;
}
