import { Fragment, useEffect, type ReactNode } from 'react';
import { Unreachable, Waiting } from '../parts/states';
import { loginPath, returnPath } from '../routing/return-path';
import { navigate } from '../routing/router';
import { maybeSignedIn } from './hint';
import { useSession } from './session';

/** For people who are signed in; others go to the login page, which brings them back. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { state, load } = useSession();
  useEffect(() => {
    if (state.status === 'unknown') void load();
    if (state.status !== 'out') return;
    const here = location.pathname + location.search + location.hash;
    const isChosen = state.farewell === 'signed-out' || state.farewell === 'deleted';
    navigate(isChosen ? '/login' : loginPath(here), { replace: true });
  }, [state, load]);
  // Where somebody else signs in in another tab, nothing of the one before stays on the page.
  if (state.status === 'in') return <Fragment key={state.user.id}>{children}</Fragment>;
  return state.status === 'unreachable' ? <Unreachable problem={state.problem} retry={load} /> : <Waiting />;
}

/** For strangers; those who are signed in go on to where they wanted to go. */
export function SignedOut({ children }: { children: ReactNode }) {
  const { state, load } = useSession();
  useEffect(() => {
    if (state.status === 'unknown') void load();
    if (state.status === 'in') navigate(wantedPath(), { replace: true });
  }, [state, load]);
  const isWaiting = state.status === 'in' || (state.status === 'unknown' && maybeSignedIn());
  return isWaiting ? <Waiting /> : children;
}

/** `?to=` of the address, where it is a path of ours. */
export function wantedPath(): string {
  return returnPath(new URLSearchParams(location.search).get('to'));
}
