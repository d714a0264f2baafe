/** Every kind of letter, named like its template. */
export const LETTER_NAMES = [
  'verify-email',
  'account-exists',
  'reset-password',
  'password-reset',
  'password-changed',
  'new-device',
  'refresh-reused',
  'email-change',
  'email-change-requested',
  'email-changed',
  'password-breached',
  'password-locked',
  'login-after-failures',
] as const;

export type LetterName = (typeof LETTER_NAMES)[number];

/** Stands in for a letter where there is none to send. */
export const NOTHING = 'nothing';

/** What lies in the queue: whom a letter is for, and never its address, its words or a secret. */
export interface LetterJob {
  template: LetterName | typeof NOTHING;
  userId: string;
  params: Record<string, string>;
}
