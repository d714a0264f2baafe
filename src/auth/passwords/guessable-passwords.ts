import type { CommonPasswords } from './common-passwords';
import { isWalk } from './keyboards';

/** Of what a guessable password consists. */
export type Guess = 'guessable_pattern' | 'common_word' | 'context_words';

const LETTER = /[\p{L}\p{M}]/u;
const LETTERS = /[\p{L}\p{M}]+/gu;
const NO_LETTERS = /[^\p{L}\p{M}]+/gu;
const DIGITS = /\p{Nd}+/gu;
const NO_DIGITS = /\P{Nd}+/gu;
const MARKS = /[^\p{L}\p{M}\p{Nd}]+/gu;

/** Where less than this is left of a text, there is nothing in it to guess. */
const FEW_LETTERS = 2;
const FEW_SIGNS = 3;
/** As many as people put around a word, a year, walks and repetitions apart. */
const FEW_DIGITS = 6;
const FEW_MARKS = 3;

const YEARS = /^(?:19|20)\d\d|(?:19|20)\d\d$/g;
const DAY_AND_MONTH =
  '(?:(?:0[1-9]|[12]\\d|3[01])(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01]))';
const DATE = new RegExp(`^(?:${DAY_AND_MONTH}(?:19|20)\\d\\d|(?:19|20)\\d\\d${DAY_AND_MONTH})$`);
/** Digits and marks that a word can begin or end with: "$unshine", "trustno1", "lost4815162342". */
const MOST_KEPT_BEFORE = 4;
const MOST_KEPT_BEHIND = 10;

/** What people write for letters. Of the two that are ambiguous, each reading is tried. */
const LEET = { '4': 'a', '@': 'a', '8': 'b', '(': 'c', '3': 'e', '€': 'e', '6': 'g', '9': 'g' };
const MORE_LEET = { '0': 'o', $: 's', '5': 's', '7': 't', '+': 't', '2': 'z', '|': 'l' };
const READINGS = ['i', 'l'].map(
  (reading) => new Map(Object.entries({ ...LEET, ...MORE_LEET, '1': reading, '!': reading })),
);

/**
 * Finds passwords that an attacker generates: one guessable core with decoration before and behind it, and nothing else.
 * All of it in any letter case and without accents; a walk is a sequence or neighbouring keys, see `isWalk`.
 *
 * - Decoration: no letters, at most six digits and three different marks (what is neither letter nor digit). Digits
 *   count once where they repeat themselves, as none where they are a walk or a date, and a year at either end of them
 *   counts as none. Marks that are a walk count as none.
 * - Core of a `guessable_pattern`: a walk, or the repetition of anything shorter than a password may be. A text of two
 *   letters at most with three of these at most, so counted, is one too.
 * - Core of a `common_word`: an entry of the list of common passwords, also repeated, with decoration within or with
 *   "leet" digits and marks for letters.
 * - Core of `context_words`: words of the owner's name and email address and of the service, any number in any order,
 *   with decoration between them and two other letters at most.
 *
 * The repetition of a whole password is worth as much as the password once. Whatever has more than that is not guessable
 * here: whole passwords are compared, never parts of them (SP 800-63B §3.1.1.2).
 */
export class GuessablePasswords {
  /**
   * @param minLength of a password, in code points
   * @param serviceTexts names and addresses that the words of the service are taken from
   */
  constructor(
    private readonly minLength: number,
    private readonly common: CommonPasswords,
    private readonly serviceTexts: string[],
  ) {}

  /**
   * Takes time linear in the text: a bounded number of cores, and no expression that backtracks.
   *
   * @param password of bounded length
   * @param ownerTexts names and addresses that the owner's words are taken from
   */
  guess(password: string, ownerTexts: string[]): Guess | undefined {
    const whole = fold(password);
    if (this.isShortRepetition(whole)) return 'guessable_pattern';
    const text = unitOf(whole);
    if (isNearlyNothing(text)) return 'guessable_pattern';
    const context = wordsOf([...ownerTexts, ...this.serviceTexts]);
    for (const { core, decoration } of coresOf(text)) {
      if (!isDecoration(decoration)) continue;
      for (const form of formsOf(core, decoration)) {
        const guess = this.guessCore(form, decoration, context);
        if (guess) return guess;
      }
    }
    return undefined;
  }

  private guessCore(core: string, decoration: string, context: RegExp | undefined): Guess | undefined {
    const rest = context ? core.replace(context, '') : core;
    if (
      rest !== core &&
      lettersIn(rest) <= FEW_LETTERS &&
      isDecoration(decoration + rest.replace(LETTERS, ''))
    )
      return 'context_words';
    if (isWalk(core) || this.isShortRepetition(core)) return 'guessable_pattern';
    return this.common.has(unitOf(core)) ? 'common_word' : undefined;
  }

  private isShortRepetition(text: string): boolean {
    const unit = unitOf(text);
    return unit !== text && lengthOf(unit) < this.minLength;
  }
}

/** The cores a text may have: its letters and what is between them, with a few or all of the other signs about them. */
function* coresOf(text: string): Generator<{ core: string; decoration: string }> {
  const first = text.search(LETTER);
  if (first < 0) return;
  const behind = text.length - [...text].toReversed().join('').search(LETTER);
  const starts = new Set([0, ...range(Math.max(0, first - MOST_KEPT_BEFORE), first)]);
  const ends = new Set([text.length, ...range(behind, Math.min(text.length, behind + MOST_KEPT_BEHIND))]);
  for (const start of starts)
    for (const end of ends)
      yield { core: text.slice(start, end), decoration: text.slice(0, start) + text.slice(end) };
}

/** The ways to read a core: as it is, in each reading of leet, and without its marks where those are decoration too. */
function formsOf(core: string, decoration: string): Set<string> {
  const readings = READINGS.map((leet) => [...core].map((sign) => leet.get(sign) ?? sign).join(''));
  const forms = new Set([core, ...readings]);
  const squeezed = core.replace(MARKS, '');
  if (squeezed !== core && isDecoration(decoration + core.replace(LETTERS, '').replace(DIGITS, '')))
    forms.add(squeezed);
  return forms;
}

function isNearlyNothing(text: string): boolean {
  const signs = text.replace(LETTERS, '');
  return lettersIn(text) <= FEW_LETTERS && digitsIn(signs) + marksIn(signs) <= FEW_SIGNS;
}

function isDecoration(signs: string): boolean {
  return digitsIn(signs) <= FEW_DIGITS && marksIn(signs) <= FEW_MARKS;
}

function lettersIn(text: string): number {
  return lengthOf(text.replace(NO_LETTERS, ''));
}

/** How many digits there are to guess. */
function digitsIn(signs: string): number {
  const digits = unitOf(signs.replace(NO_DIGITS, ''));
  const rest = unitOf(digits.replace(YEARS, ''));
  return [digits, rest].some((part) => isWalk(part) || DATE.test(part)) ? 0 : lengthOf(rest);
}

/** How many marks there are to guess. */
function marksIn(signs: string): number {
  const marks = signs.replace(DIGITS, '');
  return isWalk(marks) ? 0 : new Set(marks).size;
}

/** One expression for all words, the longer ones first; undefined where there are none. */
function wordsOf(texts: string[]): RegExp | undefined {
  const words = texts.flatMap((text) => fold(text).split(NO_LETTERS)).filter((word) => word.length > 1);
  const longestFirst = [...new Set(words)].sort((a, b) => b.length - a.length);
  return words.length > 0 ? new RegExp(longestFirst.join('|'), 'gu') : undefined;
}

/**
 * The shortest beginning that the text repeats at least twice, the last time perhaps in part; the text itself where
 * there is none. By the prefix function of Knuth, Morris and Pratt.
 */
function unitOf(text: string): string {
  const borders = [0];
  for (let index = 1, border = 0; index < text.length; index++) {
    while (border > 0 && text[index] !== text[border]) border = borders[border - 1]!;
    if (text[index] === text[border]) border++;
    borders.push(border);
  }
  const period = text.length - borders.at(-1)!;
  return period * 2 <= text.length ? text.slice(0, period) : text;
}

/** Compatible forms are one, case and the accents of Latin letters are none ("Zoë" is "zoe"; "й" stays a letter). */
function fold(text: string): string {
  const bare = text.normalize('NFKD').replace(/(?<=\p{Script=Latin})\p{Mn}+/gu, '');
  return bare.normalize('NFKC').toLowerCase();
}

function lengthOf(text: string): number {
  return [...text].length;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}
