interface Locks {
  request<Value>(name: string, options: { signal: AbortSignal }, work: () => Promise<Value>): Promise<Value>;
}

/** Longer than any work takes. Whoever holds the lock beyond it sleeps: phones suspend tabs with all they hold. */
const PATIENCE_MS = 20_000;

/** What waits in this process, by name. */
const queues = new Map<unknown, Promise<unknown>>();

/**
 * Runs `work` while no other work of the same name runs: in no tab or worker where there are Web Locks, in no other client
 * of this process elsewhere. Pages without https have none; then the service's tolerance for two tabs has to do.
 *
 * @param name an object stands for itself and is known to this process only
 */
export async function exclusively<Value>(name: string | object, work: () => Promise<Value>): Promise<Value> {
  const locks = (globalThis as unknown as { navigator?: { locks?: Locks } }).navigator?.locks;
  if (!locks || typeof name !== 'string') return inTurn(name, work);
  let hasBegun = false;
  try {
    return await locks.request(name, { signal: AbortSignal.timeout(PATIENCE_MS) }, () => {
      hasBegun = true;
      return work();
    });
  } catch (error) {
    // Nobody gives it back, or this is a frame without an origin, where locks refuse to work.
    if (hasBegun) throw error;
    return inTurn(name, work);
  }
}

async function inTurn<Value>(name: string | object, work: () => Promise<Value>): Promise<Value> {
  const before = queues.get(name);
  const result = before ? before.then(work, work) : work();
  queues.set(name, result);
  try {
    return await result;
  } finally {
    if (queues.get(name) === result) queues.delete(name);
  }
}
