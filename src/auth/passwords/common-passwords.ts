/** Shorter entries say nothing: with what is allowed around them they are refused anyway. */
const MIN_LENGTH = 3;

/**
 * What attackers try first: the common passwords of zxcvbn (49,233, most common first) and the words of its diceware
 * list (7,776), which are good in a row of six and poor alone. Loaded when first asked (40 ms, 6 MB), so that processes
 * that set no password go without.
 */
export class CommonPasswords {
  private entries?: Set<string>;

  /** @param folded the whole text in NFC and lower case, like the entries */
  has(folded: string): boolean {
    this.entries ??= this.load();
    return this.entries.has(folded);
  }

  private load(): Set<string> {
    const { dictionary } =
      require('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common');
    const words = [...dictionary['passwords-common'], ...dictionary['diceware-common']];
    return new Set(words.filter((entry) => entry.length >= MIN_LENGTH));
  }
}
