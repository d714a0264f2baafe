import type { Problem } from 'gatehouse-client';
import { useState } from 'react';
import { problemText } from '../forms/problem-text';
import { Countdown, useWait } from './countdown';
import { Heading } from './heading';

/** Nothing to see for a moment: what comes takes this place. Those who wait longer are told. */
export function Waiting() {
  return (
    <div className="waiting" role="status">
      <span>One moment …</span>
    </div>
  );
}

/** A whole page for the case that the service cannot be asked. */
export function Unreachable({ problem, retry }: { problem: Problem; retry: () => Promise<void> }) {
  return (
    <div className="card narrow">
      <Heading>{navigator.onLine ? 'Not available at the moment' : 'You are offline'}</Heading>
      <Failure problem={problem} retry={retry} />
    </div>
  );
}

/** What could not be loaded, and a button to try again. */
export function Failure({ problem, retry }: { problem: Problem; retry: () => Promise<void> }) {
  const [isBusy, setBusy] = useState(false);
  const wait = useWait(problem);
  const tryAgain = async () => {
    if (isBusy || wait > 0) return;
    setBusy(true);
    await retry();
    setBusy(false);
  };
  return (
    <>
      <div role="alert" className="problem">
        <p>
          {problemText(problem)} <Countdown seconds={wait} asked={problem.retryAfter} />
        </p>
      </div>
      <button
        type="button"
        className="button plain"
        aria-disabled={isBusy || wait > 0}
        onClick={() => void tryAgain()}
      >
        Try again
      </button>
    </>
  );
}
