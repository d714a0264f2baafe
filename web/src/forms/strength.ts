export const STRENGTHS = ['very weak', 'weak', 'fair', 'good', 'strong'] as const;

/** 0 to 4, an index of `STRENGTHS`. */
export type Strength = 0 | 1 | 2 | 3 | 4;

/** Bits from which on a password deserves each grade. */
const GRADES = [28, 40, 55, 72];

/** What attackers try first; the service has a list of 57,000. */
const COMMON =
  /p[a@]ssw[o0]rd|qwert[yz]|asdf|letmein|welcome|admin|iloveyou|dragon|monkey|summer|winter|login|secret/gi;
const YEAR = /(19|20)\d\d/g;

/**
 * A hint of how hard a password is to guess, from its length and variety; what is easy to guess in it counts little.
 * An estimate for people while they type, no promise: the service has the last word.
 */
export function strengthOf(password: string, about: string[] = []): Strength {
  const bits = bitsOf(withoutWords(password, about));
  return GRADES.filter((least) => bits >= least).length as Strength;
}

/** Words that are easy to guess count as one character. */
function withoutWords(password: string, about: string[]): string {
  const words = about.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 2);
  const own = words.map((word) => new RegExp(word, 'gi'));
  return [COMMON, YEAR, ...own].reduce((text, word) => text.replace(word, 'x'), password);
}

function bitsOf(text: string): number {
  const characters = [...text];
  const perCharacter = Math.log2(Math.max(2, alphabetOf(text)));
  let bits = 0;
  for (const [at, character] of characters.entries())
    bits += isPredictable(character, characters[at - 1], characters[at - 2]) ? 1 : perCharacter;
  // Few different characters are few, however long the row.
  return Math.min(bits, new Set(characters).size * perCharacter * 1.6);
}

/** The same again, or the next one of a row such as "abc" or "321". */
function isPredictable(character: string, before?: string, beforeThat?: string): boolean {
  if (before === undefined) return false;
  const step = distance(before, character);
  if (step === 0) return true;
  return beforeThat !== undefined && Math.abs(step) === 1 && distance(beforeThat, before) === step;
}

function distance(from: string, to: string): number {
  return to.codePointAt(0)! - from.codePointAt(0)!;
}

function alphabetOf(text: string): number {
  const kinds: [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[^a-zA-Z\d\u0080-\u{10FFFF}]/u, 20],
    [/[\u0080-\u{10FFFF}]/u, 60],
  ];
  return kinds.reduce((sum, [kind, size]) => sum + (kind.test(text) ? size : 0), 0);
}
