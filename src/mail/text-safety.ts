/** Characters that end a line, forge a header or turn the reading order round. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu;
const LOOKS_LIKE_LINK = /:\/\/|www\.|\.\p{L}{2,}/iu;
const LONGEST_NAME = 60;

/** A value as it may stand in a letter's text: one line of what a person can see. */
export function plain(value: string): string {
  return value.toWellFormed().replace(CONTROLS, ' ').trim();
}

/**
 * A name as a greeting takes it; empty where it is longer than names are or holds something that mail programs turn into
 * a link. Whoever signs up chooses both the name and the address: without this, the letter would carry anybody's
 * advertising to anybody.
 */
export function greetingName(name: string): string {
  const visible = plain(name);
  return visible.length > LONGEST_NAME || LOOKS_LIKE_LINK.test(visible) ? '' : visible;
}

/** @throws Error unless it is an absolute http(s) address, which is all that a button may lead to */
export function webLink(link: string): string {
  const { protocol } = new URL(link);
  if (protocol !== 'https:' && protocol !== 'http:') throw new Error('a letter links to the web only');
  return plain(link);
}
