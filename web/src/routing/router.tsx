import { useSyncExternalStore, type ComponentProps, type MouseEvent } from 'react';

let navigations = 0;

/** Whether the page at hand was reached by a click in here rather than loaded: only then the focus has to be moved. */
export const hasNavigated = () => navigations > 0;

/** @param to a path of ours */
export function navigate(to: string, { replace = false } = {}): void {
  navigations++;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  scrollTo(0, 0);
  dispatchEvent(new PopStateEvent('popstate'));
}

/** The path at hand; what follows it is in `location`. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

/** A link to a page of ours, which loads nothing. */
export function Link({ href, ...props }: ComponentProps<'a'> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    // Anything but a plain click, such as one for a new tab, is the browser's business.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return <a {...props} href={href} onClick={follow} aria-current={isHere(href) ? 'page' : undefined} />;
}

function isHere(href: string): boolean {
  return new URL(href, location.href).pathname === location.pathname;
}

function subscribe(listener: () => void): () => void {
  const moved = (event: PopStateEvent) => {
    if (event.isTrusted) navigations++;
    listener();
  };
  addEventListener('popstate', moved);
  return () => removeEventListener('popstate', moved);
}
