import type { IAuthModuleOptions } from '@nestjs/passport';

/**
 * Options that make a guard use these very strategies. Passport looks names up in one registry of the process, where
 * the strategies of a second application replace those of the first. It takes objects as well, though its types know
 * only names, and writes the outcome of a request on them: hence a fresh one for each request.
 */
export function using(...strategies: object[]): IAuthModuleOptions {
  return {
    get defaultStrategy() {
      return strategies.map((strategy) => Object.create(strategy) as string);
    },
  };
}
