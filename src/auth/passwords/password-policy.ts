import { Injectable } from '@nestjs/common';
import { AppError, type FieldError } from '../../common/errors/app-error';
import { Config } from '../../config/config';
import { CommonPasswords } from './common-passwords';
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
  private readonly common: CommonPasswords;

  constructor({ passwords: { policy } }: Config) {
    this.minLength = MIN_LENGTH[policy];
    this.isComposed = policy === 'composition';
    this.common = new CommonPasswords(this.minLength);
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

  private *brokenRules(password: string, { email, name }: PasswordOwner): Generator<PasswordRule> {
    if (password.length > MAX_UNITS) return yield 'too_long';
    const text = password.normalize('NFC');
    const length = [...text].length;
    if (length > MAX_LENGTH) return yield 'too_long';
    if (length < this.minLength) yield 'too_short';
    if (this.isComposed && !/\p{L}/u.test(text)) yield 'missing_letter';
    if (this.isComposed && !/\p{Nd}/u.test(text)) yield 'missing_digit';
    if (this.isComposed && !/[^\p{L}\p{M}\p{Nd}]/u.test(text)) yield 'missing_special';
    // Whole passwords are compared, never parts of them (SP 800-63B).
    if (this.common.has(fold(text))) yield 'too_common';
    if (email && isOneOf(text, [email, email.slice(0, email.lastIndexOf('@'))])) yield 'same_as_email';
    if (name && isOneOf(text, [name, name.trim()])) yield 'same_as_name';
    if (!isEncodable(password)) yield 'invalid_characters';
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
  | 'invalid_characters';

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function isOneOf(password: string, texts: string[]): boolean {
  return texts.some((text) => fold(text) === fold(password));
}
