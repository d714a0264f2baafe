import type { Problem } from 'gatehouse-client';
import { useCallback, useEffect, useState } from 'react';

type Answer<Content> = { data?: Content; error?: Problem | undefined };

/** What a part of a page asks the service for when it appears. `load` must be one function for the life of the part. */
export function useLoaded<Content>(load: () => Promise<Answer<Content>>) {
  const [answer, setAnswer] = useState<Answer<Content>>({});
  const reload = useCallback(async () => {
    const { data, error } = await load();
    // What was there stays where the service cannot be asked again.
    setAnswer((before) => (error ? { data: before.data, error } : { data }));
  }, [load]);
  useEffect(() => void reload(), [reload]);
  return { content: answer.data, problem: answer.error, reload };
}
