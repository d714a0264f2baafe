import type { Strategy } from 'passport';

/** A strategy with what Passport adds to it for one request. */
interface Attempt {
  success(user: unknown): void;
  fail(): void;
  error(error: unknown): void;
  authenticate(presented: object): unknown;
}

/**
 * Asks Passport's strategies, one after the other as `passport.authenticate` does, but without the rest of it: the registry
 * of the process, in which the strategies of a second application replace those of the first, the challenges and the
 * sessions, which take longer than the question itself (docs/decisions/0011).
 */
export abstract class PassportGuard {
  private readonly strategies: Strategy[];

  constructor(...strategies: object[]) {
    this.strategies = strategies as Strategy[];
  }

  /**
   * Whom the first strategy finds that finds anybody.
   *
   * @param presented the request, or what of it they are to see
   * @throws what a strategy says is wrong with a credential that it has recognised; those behind it are not asked
   */
  protected async judge<TUser>(presented: object): Promise<TUser | undefined> {
    for (const strategy of this.strategies) {
      const user = await attempt<TUser>(strategy, presented);
      if (user) return user;
    }
    return undefined;
  }
}

function attempt<TUser>(strategy: Strategy, presented: object): Promise<TUser | undefined> {
  return new Promise((resolve, reject) => {
    const fail = () => resolve(undefined);
    // Strategies answer by methods of their own.
    const own = Object.create(strategy) as Attempt;
    own.success = resolve as Attempt['success'];
    own.fail = fail;
    own.error = reject;
    own.authenticate(presented);
  });
}
