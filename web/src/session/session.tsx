import type { Problem } from 'gatehouse-client';
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { gatehouse } from './client';
import { forgetSignIn, rememberSignIn } from './hint';

export interface User {
  id: string;
  email: string;
  name: string | null;
  createdAt: string;
}

/** What this page knows of who uses it. */
export type SessionState =
  | { status: 'unknown' }
  | { status: 'in'; user: User }
  | { status: 'out'; farewell?: Farewell }
  | { status: 'unreachable'; problem: Problem };

/** Why the session that was there is there no more, for the page that comes next. */
export type Farewell = 'signed-out' | 'elsewhere' | 'deleted' | 'ended';

interface Session {
  state: SessionState;
  /** Asks the service. */
  load: () => Promise<void>;
  setUser: (user: User) => void;
  /** Returns what the service has against it. */
  signIn: (credentials: { email: string; password: string }) => Promise<Problem | undefined>;
  /** Ends the session by `work`, which returns what the service has against it. Returns the same. */
  leave: (farewell: Farewell, work: () => Promise<Problem | undefined>) => Promise<Problem | undefined>;
}

const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  return use(SessionContext)!;
}

/** The user, where a guard has made sure that there is one. */
export function useUser(): User {
  const { state } = useSession();
  if (state.status !== 'in') throw new Error('this part is for people who are signed in');
  return state.user;
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<SessionState>({ status: 'unknown' });
  const enter = useCallback((user: User) => {
    rememberSignIn();
    setState({ status: 'in', user });
  }, []);

  /** Whether a session that starts is one that this page has asked for. */
  const isOwn = useRef(false);
  const own = useRef(async <Result,>(work: () => Promise<Result>): Promise<Result> => {
    isOwn.current = true;
    const result = await work();
    isOwn.current = false;
    return result;
  });

  const load = useCallback(async () => {
    const { data, error } = await gatehouse.api.GET('/api/auth/profile');
    if (data) {
      enter(data);
      // Until when it lasts, and to be told of what other tabs do to it.
      if (!gatehouse.session) await own.current(() => gatehouse.refresh());
      return undefined;
    }
    if (error.status === 401 || error.status === 404) {
      forgetSignIn();
      // Where a listener below was told why, that stands.
      return setState((now) => (now.status === 'out' ? now : { status: 'out' }));
    }
    return setState((now) => (now.status === 'in' ? now : { status: 'unreachable', problem: error }));
  }, [enter]);

  const signIn = useCallback<Session['signIn']>(
    async (credentials) => {
      const { data, error } = await own.current(() => gatehouse.login(credentials));
      if (data) enter(data.user);
      return error;
    },
    [enter],
  );

  /** What this page is about to do, so that it does not take it for something that happened to it. */
  const intended = useRef<Farewell>(undefined);

  const end = useCallback((farewell: Farewell) => {
    forgetSignIn();
    setState({ status: 'out', farewell });
  }, []);

  const leave = useCallback<Session['leave']>(
    async (farewell, work) => {
      intended.current = farewell;
      const problem = await work();
      intended.current = undefined;
      // Where there was no session any more, that is what was wanted.
      if (problem && problem.status !== 401) return problem;
      end(farewell);
      return undefined;
    },
    [end],
  );

  useEffect(() => {
    const offs = [
      gatehouse.on('ended', ({ reason }) =>
        end(intended.current ?? (reason === 'logged_out' ? 'elsewhere' : 'ended')),
      ),
      // In another tab, perhaps by somebody else.
      gatehouse.on('started', () => void (isOwn.current || load())),
    ];
    return () => offs.forEach((off) => off());
  }, [end, load]);

  const session = useMemo<Session>(
    () => ({ state, load, signIn, leave, setUser: enter }),
    [state, load, signIn, leave, enter],
  );
  return <SessionContext value={session}>{children}</SessionContext>;
}
