import type { components } from '../src/schema.js';
import type { EndReason, Session } from './presence.js';
import type { ErrorCode, Result } from './problem.js';
import type { Reply, Route } from './wire.js';

type Schemas = components['schemas'];

export type LoginAnswer = Schemas['TokensResponse'] | Schemas['CookieSessionResponse'];

/** How the session is carried. */
export interface Transport {
  readonly name: Session['transport'];
  /** Sends a call that needs a session with what proves it. Does not use the request up. */
  send(request: Request, route: Route): Promise<Reply>;
  /** Takes over what a login has answered. */
  start(answer: LoginAnswer, response: Response): Promise<void>;
  refresh(): Promise<Result<Session>>;
  end(reason: EndReason): Promise<void>;
}

/** With these the service says that a session is no more. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unauthenticated',
  'token_invalid',
  'token_expired',
  'session_revoked',
  'refresh_token_reused',
]);

export function isOver({ problem }: Reply): boolean {
  return problem?.status === 401 && ENDS.has(problem.code);
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isSafe({ method }: Request): boolean {
  return SAFE_METHODS.has(method);
}
