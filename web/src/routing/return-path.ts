/** Where people go who wanted to go nowhere in particular. */
export const HOME = '/account';

/** To one of these one does not go back after signing in. */
const ENTRANCES = new Set(['/login', '/register', '/forgot-password']);
const ANYWHERE = 'https://own.invalid';

/**
 * The page that somebody wanted before signing in, out of `?to=`. Only a path of this origin: anything else, also what
 * a browser or a second decoding would make something else of, is the home page (CWE-601, open redirect).
 */
export function returnPath(to: string | null): string {
  if (to === null || !isOwnPath(to)) return HOME;
  const url = new URL(to, ANYWHERE);
  return ENTRANCES.has(url.pathname) ? HOME : url.pathname + url.search + url.hash;
}

/** The address of the login page that leads back to `path`. */
export function loginPath(path: string): string {
  const to = returnPath(path);
  return to === HOME ? '/login' : `/login?${new URLSearchParams({ to })}`;
}

function isOwnPath(address: string): boolean {
  // What comes after the path leads nowhere.
  const path = address.replace(/[?#].*$/s, '');
  const readings = [address, path, decoded(path), decoded(decoded(path))];
  return readings.every(
    (reading) =>
      /^\/(?![/\\])[^\\\s\p{Cc}]*$/u.test(reading) &&
      URL.canParse(reading, ANYWHERE) &&
      new URL(reading, ANYWHERE).origin === ANYWHERE &&
      // "/.//evil" and "/x/..//evil" become "//evil".
      !new URL(reading, ANYWHERE).pathname.startsWith('//'),
  );
}

/** What does not decode is no path of ours: it starts with no slash then. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
