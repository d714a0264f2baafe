/** That somebody signed in here, and nothing about who: pages for strangers need not wait for the service then. */
const KEY = 'signed-in';

export function rememberSignIn(): void {
  storage((store) => store.setItem(KEY, 'yes'));
}

export function forgetSignIn(): void {
  storage((store) => store.removeItem(KEY));
}

export function maybeSignedIn(): boolean {
  return storage((store) => store.getItem(KEY) !== null) ?? false;
}

/** Browsers may forbid it. */
function storage<Result>(work: (store: Storage) => Result): Result | undefined {
  try {
    return work(localStorage);
  } catch {
    return undefined;
  }
}
