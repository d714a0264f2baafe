import { Injectable } from '@nestjs/common';
import { AppError, type FieldError } from '../../common/errors/app-error';
import { PROJECT } from '../../common/project';
import { Config } from '../../config/config';
import { CommonPasswords } from './common-passwords';
import { GuessablePasswords, type Guess } from './guessable-passwords';
import { isEncodable } from './password-text';

/** Whose password it is going to be. */
export interface PasswordOwner {
  email?: string;
  name?: string | null;
}

const MIN_LENGTH = { composition: 8, nist: 15 } as const;
const MAX_LENGTH = 128;
/** No code point of NFC text decomposes into more than six UTF-16 units: a longer string is beyond the limit. */
const MAX_UNITS = MAX_LENGTH * 6;

/**
 * The rules a new password must keep (NIST SP 800-63B §3.1.1.2, ASVS 6.2). Lengths count code points of the NFC form,
 * which is the one that is hashed. Letters and digits are those of any script; everything else is special, spaces and
 * emoji too, but for combining marks, which belong to the letters they stand on.
 */
@Injectable()
export class PasswordPolicy {
  private readonly minLength: number;
  private readonly isComposed: boolean;
  private readonly common = new CommonPasswords();
  private readonly guessable: GuessablePasswords;

  constructor({ passwords: { policy }, http, mail }: Config) {
    this.minLength = MIN_LENGTH[policy];
    this.isComposed = policy === 'composition';
    const serviceTexts = [PROJECT.name, new URL(http.publicUrl).hostname, mail.from];
    this.guessable = new GuessablePasswords(this.minLength, this.common, serviceTexts);
  }

  /**
   * @param field what the password is called in the request
   * @throws AppError `validation_failed` with an entry for each broken rule
   */
  assert(password: string, about: PasswordOwner, field: string): void {
    const errors = this.violations(password, about, field);
    if (errors.length > 0) throw new AppError('validation_failed', { errors });
  }

  /** One entry for each broken rule; of a password that is too long only that. */
  violations(password: string, about: PasswordOwner, field: string): FieldError[] {
    const broken = [...this.brokenRules(password, about)];
    return broken.map((code) => ({ field, code, message: this.messageOf(code) }));
  }

  private *brokenRules(password: string, owner: PasswordOwner): Generator<PasswordRule> {
    if (password.length > MAX_UNITS) return yield 'too_long';
    const text = password.normalize('NFC');
    const length = [...text].length;
    if (length > MAX_LENGTH) return yield 'too_long';
    if (length < this.minLength) yield 'too_short';
    if (this.isComposed && !/\p{L}/u.test(text)) yield 'missing_letter';
    if (this.isComposed && !/\p{Nd}/u.test(text)) yield 'missing_digit';
    if (this.isComposed && !/[^\p{L}\p{M}\p{Nd}]/u.test(text)) yield 'missing_special';
    const equal = [...this.equals(text, owner)];
    yield* equal;
    if (equal.length === 0 && length >= this.minLength) yield* this.guesses(text, owner);
    if (!isEncodable(password)) yield 'invalid_characters';
  }

  /** Whole passwords are compared, never parts of them (SP 800-63B). */
  private *equals(text: string, { email, name }: PasswordOwner): Generator<PasswordRule> {
    if (this.common.has(fold(text))) yield 'too_common';
    if (email && isOneOf(text, [email, email.slice(0, email.lastIndexOf('@'))])) yield 'same_as_email';
    if (name && isOneOf(text, [name, name.trim()])) yield 'same_as_name';
  }

  private *guesses(text: string, { email, name }: PasswordOwner): Generator<PasswordRule> {
    const guess = this.guessable.guess(text, [email ?? '', name ?? '']);
    if (guess) yield guess;
  }

  private messageOf(code: PasswordRule): string {
    return {
      too_short: `must have at least ${this.minLength} characters`,
      too_long: `must have at most ${MAX_LENGTH} characters`,
      missing_letter: 'must contain a letter',
      missing_digit: 'must contain a digit',
      missing_special: 'must contain a special character, such as a space or a punctuation mark',
      too_common: 'must not be one of the most common passwords',
      same_as_email: 'must not be the email address or the part before its @',
      same_as_name: 'must not be the name',
      common_word: 'must be more than a common word with digits or punctuation',
      guessable_pattern: 'must be more than a sequence, a repetition or neighbouring keys',
      context_words:
        'must be more than your name, your email address or the name of this service with digits or punctuation',
      invalid_characters: 'must not contain characters that cannot be stored',
    }[code];
  }
}

type PasswordRule =
  | 'too_short'
  | 'too_long'
  | 'missing_letter'
  | 'missing_digit'
  | 'missing_special'
  | 'too_common'
  | 'same_as_email'
  | 'same_as_name'
  | Guess
  | 'invalid_characters';

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function isOneOf(password: string, texts: string[]): boolean {
  return texts.some((text) => fold(text) === fold(password));
}
