import { whenText } from './when-text';

/** A moment, in the words and the time zone of whoever reads it. */
export function Time({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={date.toLocaleString()}>
      {whenText(date, new Date())}
    </time>
  );
}
