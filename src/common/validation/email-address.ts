import { domainToASCII, domainToUnicode } from 'node:url';
import { registerDecorator, type ValidationOptions } from 'class-validator';

/** RFC 5322 dot-atom in ASCII: no quoted strings, whose commas and spaces have fooled mail libraries. */
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
/** What IDNA leaves as it is, and nearly every domain: a last label that could be a number is one of an address of IPv4. */
const PLAIN_DOMAIN = /^((?!xn--)[a-z\d-]+\.)+(?!xn--)[a-z][a-z\d-]*$/;
const LABEL = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/;

/** Characters of a whole address (RFC 5321 §4.5.3.1.3, less the angle brackets) and of the part before its @. */
const MAX_LENGTH = 254;
const MAX_LOCAL_PART = 64;

/**
 * The address with its domain in lower-case ASCII (IDNA), or undefined where it is none that we would send to.
 * Stricter than RFC 5321: ASCII dot-atom local part of at most 64 characters, a domain of two labels or more, 254
 * characters in all; no quotes, comments, groups, routes or literals. Non-ASCII local parts are refused rather than
 * folded: folding once made two people's addresses equal (CVE-2019-19844).
 */
export function normalizeEmail(input: string): string | undefined {
  const at = input.lastIndexOf('@');
  const local = input.slice(0, at);
  if (at < 1 || input.length > 2 * MAX_LENGTH || local.length > MAX_LOCAL_PART || !LOCAL_PART.test(local))
    return undefined;
  const domain = asciiDomain(input.slice(at + 1));
  if (domain === undefined) return undefined;
  const address = `${local}@${domain}`;
  return address.length <= MAX_LENGTH ? address : undefined;
}

/** Letters, marks, digits, dots and hyphens only: IDNA would make an "@" or a "." of some other characters. */
function asciiDomain(domain: string): string | undefined {
  if (PLAIN_DOMAIN.test(domain)) return hasLabels(domain) ? domain : undefined;
  if (/[^\p{L}\p{M}\p{N}.-]/u.test(domain) || hasLookAlikes(domain)) return undefined;
  const ascii = domainToASCII(domain);
  return hasLabels(ascii) && isSpelledAs(domain, domainToUnicode(ascii)) ? ascii : undefined;
}

/** Two or more, and the last one no number. */
function hasLabels(ascii: string): boolean {
  const labels = ascii.split('.');
  return labels.length >= 2 && labels.every((label) => LABEL.test(label)) && /[a-z]/.test(labels.at(-1)!);
}

/** Full-width letters, ligatures, the Kelvin sign: IDNA takes them for the plain letters that they look like. */
function hasLookAlikes(domain: string): boolean {
  return [...domain].some((character) => character.normalize('NFKC') !== character);
}

/**
 * Whether IDNA changed no more of a name than letter case and composition: it drops some characters, and leaves
 * punycode that stands for nothing as it is.
 */
function isSpelledAs(domain: string, unicode: string): boolean {
  const written = domain.toLowerCase().normalize('NFC').split('.');
  return unicode
    .split('.')
    .every(
      (label, at) => !label.startsWith('xn--') && (label === written[at] || written[at]!.startsWith('xn--')),
    );
}

/** The form under the unique index: two spellings of one mailbox differ in letter case at most. */
export function canonicalEmail(normalized: string): string {
  return normalized.toLowerCase();
}

/** Validates an address by {@link normalizeEmail}. */
export function IsEmailAddress(options?: ValidationOptions): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'isEmailAddress',
      target: target.constructor,
      propertyName: property as string,
      options: { message: 'must be an email address', ...options },
      validator: {
        validate: (value: unknown) => typeof value === 'string' && normalizeEmail(value) !== undefined,
      },
    });
}
