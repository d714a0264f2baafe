import type { Problem } from 'gatehouse-client';
import { useEffect, useState } from 'react';
import { clockText, waitText } from '../forms/texts';

/** Seconds that are left of the wait that a problem asks for; 0 where it asks for none. */
export function useWait(problem: Problem | undefined): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const until = performance.now() + (problem?.retryAfter ?? 0) * 1000;
    const tick = () => setLeft(Math.max(0, (until - performance.now()) / 1000));
    tick();
    if (!problem?.retryAfter) return undefined;
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [problem]);
  return left;
}

/** The wait as a clock that runs for those who see it. Those who listen hear its length once, and its end. */
export function Countdown({ seconds, asked }: { seconds: number; asked: number | undefined }) {
  if (!asked) return null;
  if (seconds <= 0) return <span>You can try again now.</span>;
  return (
    <>
      <span className="visually-hidden">Try again in {waitText(asked)}.</span>
      <span aria-hidden="true">
        Try again in <span className="clock">{clockText(seconds)}</span>.
      </span>
    </>
  );
}
