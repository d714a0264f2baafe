const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, or for what is longer ago than a week, when. */
export function whenText(at: Date, now: Date, language = 'en-GB'): string {
  const ago = now.getTime() - at.getTime();
  if (Math.abs(ago) < MINUTE) return 'just now';
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  if (Math.abs(ago) < HOUR) return relative.format(-Math.round(ago / MINUTE), 'minute');
  if (Math.abs(ago) < DAY) return relative.format(-Math.round(ago / HOUR), 'hour');
  if (Math.abs(ago) < 7 * DAY) return relative.format(-Math.round(ago / DAY), 'day');
  return at.toLocaleDateString(language, { day: 'numeric', month: 'long', year: 'numeric' });
}
