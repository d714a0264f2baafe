import type { ErrorCode, Problem } from 'gatehouse-client';
import { OFFLINE, TEXTS, UNKNOWN } from './texts';

/** A code of the service that has no text does not compile. */
const texts: Record<ErrorCode, string> & Partial<Record<string, string>> = TEXTS;

/** @param better words for a code, where the place knows what it means there */
export function problemText({ code }: Problem, better: Partial<Record<string, string>> = {}): string {
  if (code === 'unreachable' && !navigator.onLine) return OFFLINE;
  return better[code] ?? texts[code] ?? UNKNOWN;
}
