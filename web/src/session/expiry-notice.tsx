import { useEffect, useState } from 'react';
import { problemText } from '../forms/problem-text';
import { gatehouse } from './client';
import { secondsText } from './seconds-text';

/** Tells before the session ends, with a way to keep it. */
export function ExpiryNotice() {
  const [endsAt, setEndsAt] = useState<number>();
  const [trouble, setTrouble] = useState('');
  const [now, setNow] = useState(() => Date.now());

  useEffect(() => {
    const offs = [
      gatehouse.on('expiring', () => {
        setTrouble('');
        setNow(Date.now());
        setEndsAt(gatehouse.session?.expiresAt.getTime());
      }),
      gatehouse.on('started', () => setEndsAt(undefined)),
      gatehouse.on('ended', () => setEndsAt(undefined)),
    ];
    return () => offs.forEach((off) => off());
  }, []);

  useEffect(() => {
    if (endsAt === undefined) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [endsAt]);

  const stay = async () => {
    const { error } = await gatehouse.refresh();
    if (error) setTrouble(problemText(error));
    else setEndsAt(undefined);
  };

  return (
    <div role="alert">
      {endsAt !== undefined && (
        <div className="notice">
          <p>
            You will be signed out soon. <span aria-hidden="true">{secondsText((endsAt - now) / 1000)}</span>{' '}
            {trouble}
          </p>
          <button type="button" className="button" onClick={() => void stay()}>
            Stay signed in
          </button>
        </div>
      )}
    </div>
  );
}
