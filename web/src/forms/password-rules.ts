export type PasswordPolicy = 'composition' | 'nist';

export interface PasswordRule {
  text: string;
  isKept: (password: string) => boolean;
}

const length = (password: string) => [...password.normalize('NFC')].length;
const atLeast = (count: number): PasswordRule => ({
  text: `${count} characters or more`,
  isKept: (password) => length(password) >= count,
});

/** The rules that can be checked while somebody types. The service checks these and more; docs/passwords.md has them all. */
export const PASSWORD_RULES: Record<PasswordPolicy, PasswordRule[]> = {
  composition: [
    atLeast(8),
    { text: 'a letter', isKept: (password) => /\p{L}/u.test(password) },
    { text: 'a digit', isKept: (password) => /\p{Nd}/u.test(password) },
    {
      text: 'a special character',
      isKept: (password) => /[^\p{L}\p{M}\p{Nd}]/u.test(password.normalize('NFC')),
    },
  ],
  nist: [atLeast(15)],
};
