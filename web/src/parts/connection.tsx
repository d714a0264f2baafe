import { useSyncExternalStore } from 'react';

/** Says when the browser has lost its connection. */
export function Connection() {
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div role="status">
      {!isOnline && (
        <div className="notice">
          <p>You are offline. What you see may be out of date, and nothing can be saved.</p>
        </div>
      )}
    </div>
  );
}

function subscribe(listener: () => void): () => void {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
}
