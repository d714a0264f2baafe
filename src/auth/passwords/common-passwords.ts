/**
 * The common passwords of zxcvbn that are long enough to matter: about 18,000 of 8 characters and more. Loaded when
 * first asked (40 ms, 4 MB), so that processes that set no password go without.
 */
export class CommonPasswords {
  private entries?: Set<string>;

  /** @param minLength in code points; shorter passwords are refused anyway */
  constructor(private readonly minLength: number) {}

  /** @param folded the whole password in NFC and lower case, like the entries */
  has(folded: string): boolean {
    this.entries ??= this.load();
    return this.entries.has(folded);
  }

  private load(): Set<string> {
    const { dictionary } =
      require('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common');
    return new Set(dictionary['passwords-common'].filter((entry) => entry.length >= this.minLength));
  }
}
