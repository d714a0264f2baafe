import type { Problem } from 'gatehouse-client';
import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

type Load<Item> = (cursor?: string) => Promise<{ data?: Page<Item>; error?: Problem | undefined }>;

export interface Pages<Item> {
  /** Undefined before the first answer. */
  items: Item[] | undefined;
  problem: Problem | undefined;
  hasMore: boolean;
  isBusy: boolean;
  loadMore: () => Promise<void>;
  /** Changes what is shown after the service has changed the same. */
  change: (edit: (items: Item[]) => Item[]) => void;
  /** Of the element whose children the items are. */
  list: RefObject<HTMLOListElement | null>;
}

/** A list that comes page by page. `load` must be one function for the life of the list. */
export function usePages<Item extends { id: string }>(load: Load<Item>): Pages<Item> {
  const [items, setItems] = useState<Item[]>();
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const [firstNew, setFirstNew] = useState<number>();
  const list = useRef<HTMLOListElement>(null);

  const loadMore = useCallback(async () => {
    setBusy(true);
    const { data, error } = await load(next ?? undefined);
    setBusy(false);
    setProblem(error);
    if (!data) return;
    setNext(data.nextCursor);
    setFirstNew(items?.length);
    setItems([...(items ?? []), ...data.items]);
  }, [load, next, items]);

  useEffect(() => {
    void load().then(({ data, error }) => {
      setProblem(error);
      // What was added meanwhile may be missing in an answer that was under way.
      if (data)
        setItems((now = []) => [...now, ...data.items.filter(({ id }) => now.every((one) => one.id !== id))]);
      setNext(data?.nextCursor ?? null);
    });
  }, [load]);

  useEffect(() => {
    // The button that was pressed may be gone: reading goes on at the first of the new ones.
    if (firstNew !== undefined) (list.current?.children[firstNew] as HTMLElement | undefined)?.focus();
  }, [firstNew]);

  const change = useCallback((edit: (items: Item[]) => Item[]) => setItems((now) => edit(now ?? [])), []);
  return { items, problem, hasMore: next !== null, isBusy, loadMore, change, list };
}

export function More<Item>({ pages, children }: { pages: Pages<Item>; children: string }) {
  if (!pages.hasMore) return null;
  return (
    <div className="actions">
      <button
        type="button"
        className="button plain"
        aria-disabled={pages.isBusy}
        onClick={() => !pages.isBusy && void pages.loadMore()}
      >
        {children}
      </button>
    </div>
  );
}
