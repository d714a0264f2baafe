import { useState, type ReactNode } from 'react';
import { problemText } from './forms/problem-text';
import { Connection } from './parts/connection';
import { Link } from './routing/router';
import { gatehouse } from './session/client';
import { ExpiryNotice } from './session/expiry-notice';
import { useSession } from './session/session';
import { settings } from './settings';

/** What is around every page. */
export function Frame({ children }: { children: ReactNode }) {
  const { state } = useSession();
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Link className="brand" href="/">
          <img src={settings.logo} alt="" width="28" height="28" />
          {settings.brand}
        </Link>
        {state.status === 'in' && <Navigation />}
      </header>
      <div className="notices">
        <Connection />
        <ExpiryNotice />
      </div>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer className="bottom">
        <a href="/docs">API documentation</a>
      </footer>
    </>
  );
}

function Navigation() {
  const { leave } = useSession();
  const [trouble, setTrouble] = useState('');
  const signOut = async () => {
    const problem = await leave('signed-out', async () => (await gatehouse.logout()).error);
    if (problem) setTrouble(problemText(problem));
  };
  return (
    <>
      <nav aria-label="Your pages">
        <Link href="/account">Account</Link>
        <Link href="/tasks">Tasks</Link>
        <button type="button" className="quiet-button" onClick={() => void signOut()}>
          Sign out
        </button>
      </nav>
      <p role="alert" className="top-problem">
        {trouble}
      </p>
    </>
  );
}
