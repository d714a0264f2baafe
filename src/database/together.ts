type Results<Work extends readonly Promise<unknown>[]> = { -readonly [At in keyof Work]: Awaited<Work[At]> };

/**
 * Waits for steps of one transaction that do not need each other's results: their statements travel together, in this
 * order. Unlike `Promise.all` it waits for all of them where one fails, and throws what the first of them did:
 * a step that went on would run beyond the ROLLBACK.
 */
export async function together<const Work extends readonly Promise<unknown>[]>(
  ...work: Work
): Promise<Results<Work>> {
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as Results<Work>;
}
