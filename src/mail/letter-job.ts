/** Every kind of letter, named like its template. */
export type LetterName = 'verify-email' | 'refresh-reused';

/** Stands in for a letter where there is none to send. */
export const NOTHING = 'nothing';

/** What lies in the queue: whom a letter is for, and never its address, its words or a secret. */
export interface LetterJob {
  template: LetterName | typeof NOTHING;
  userId: string;
  params: Record<string, string>;
}
