import { useEffect, useRef } from 'react';
import { hasNavigated } from '../routing/router';
import { settings } from '../settings';

/**
 * The title of the page, for the window as well. It takes the focus when the page was reached by a click in here, and
 * when it changes: that is how those who do not see the page notice.
 */
export function Heading({ children }: { children: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef<string>(undefined);
  useEffect(() => {
    document.title = children === settings.brand ? children : `${children} · ${settings.brand}`;
    if (shown.current === undefined ? hasNavigated() : shown.current !== children) heading.current?.focus();
    shown.current = children;
  }, [children]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}
