import { normalizeEmail } from '../common/validation/email-address';
import { isCleanText } from '../common/validation/clean-text';
import { OptionError, UsageError } from './cli-error';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

export function isId(value: string): boolean {
  return UUID.test(value);
}

/** @throws OptionError */
export function wholeNumber(value: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
  if (number >= least && number <= most) return number;
  throw new OptionError(`It must be a whole number from ${least} to ${most}.`);
}

/** @throws OptionError */
export function id(value: string): string {
  if (isId(value)) return value.toLowerCase();
  throw new OptionError('It must be an id, as the lists show them.');
}

/** One line of text. @throws OptionError */
export function line(value: string, most: number): string {
  const text = value.trim();
  if (text !== '' && [...text].length <= most && isCleanText(text)) return text;
  throw new OptionError(`It must be one line of 1 to ${most} characters.`);
}

/** A moment such as 2026-11-21 or 2026-11-21T09:00:00Z; without a zone it is in UTC. @throws OptionError */
export function moment(value: string): Date {
  const isForm = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(value);
  const hasZone = value.length === 10 || /(Z|[+-]\d\d:\d\d)$/.test(value);
  const date = new Date(hasZone ? value : `${value}Z`);
  if (isForm && !Number.isNaN(date.getTime())) return date;
  throw new OptionError('It must be a date such as 2026-11-21 or 2026-11-21T09:00:00Z.');
}

/** @throws UsageError */
export function emailArgument(value: string): string {
  const email = normalizeEmail(value);
  if (email === undefined) throw new UsageError(`error: argument 'email' is no address that letters go to`);
  return email;
}
