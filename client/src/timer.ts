/** Like `setTimeout`; in Node it does not keep a process that has nothing else to do. */
export function quietly(then: () => void, milliseconds: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(then, milliseconds);
  (timer as { unref?(): void }).unref?.();
  return timer;
}
