import { useId, type ReactNode } from 'react';

/** A part of a page with a heading of its own. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** What has just been done, said aloud. */
export function Done({ children }: { children: string | false | undefined }) {
  return (
    <p role="status" className="done">
      {children}
    </p>
  );
}
