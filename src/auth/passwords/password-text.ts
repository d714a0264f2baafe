/**
 * UTF-16 units beyond which nothing is computed: Unicode normalisation takes quadratic time on crafted text, a second
 * for a body of 100 kB. Imported accounts may have longer passwords than the policy allows, so this is not its limit.
 */
const MAX_UNITS = 1024;

/**
 * The form in which passwords are hashed and compared: NFC (NIST SP 800-63B §3.1.1.2), so that "é" is one password
 * however the keyboard composes it. Not trimmed, not case-folded. Undefined for what nobody can have as a password.
 */
export function normalizePassword(password: string): string | undefined {
  return password.length <= MAX_UNITS && isEncodable(password) ? password.normalize('NFC') : undefined;
}

/** Lone surrogates all become U+FFFD in UTF-8 and bcrypt ends at a NUL: different passwords would be equal. */
export function isEncodable(password: string): boolean {
  return password.isWellFormed() && !password.includes('\0');
}
