/** The pages that mailed links lead to. */
export const LINK_PATHS = ['/verify-email', '/confirm-email', '/not-me', '/reset-password'];

/**
 * The token of the mailed link. It stands in the fragment, which browsers send to nobody, and is taken out of the address
 * bar, the history and any screenshot before anything is drawn. Null on other pages, and where the link is gone.
 */
export const linkToken = takeToken();

function takeToken(): string | null {
  if (!LINK_PATHS.includes(location.pathname)) return null;
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  history.replaceState(null, '', location.pathname);
  // Another link of the same kind, opened in this tab, changes nothing but the fragment.
  addEventListener('hashchange', () => location.reload());
  return token;
}
