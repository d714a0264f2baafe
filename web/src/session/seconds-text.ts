import { clockText } from '../forms/texts';

/** How long a session still lasts. */
export function secondsText(seconds: number): string {
  return seconds > 0 ? `In ${clockText(seconds)}.` : 'Now.';
}
