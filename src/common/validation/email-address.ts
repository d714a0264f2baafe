import { domainToASCII } from 'node:url';
import { registerDecorator, type ValidationOptions } from 'class-validator';

/** RFC 5322 dot-atom in ASCII: no quoted strings, whose commas and spaces have fooled mail libraries. */
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const LABEL = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/;

/**
 * The address with its domain in lower-case ASCII (IDNA), or undefined where it is none that we would send to.
 * Stricter than RFC 5321: ASCII dot-atom local part of at most 64 characters, a domain of two labels or more, 254
 * characters in all. Non-ASCII local parts are refused rather than folded: folding once made two people's addresses
 * equal (CVE-2019-19844).
 */
export function normalizeEmail(input: string): string | undefined {
  const at = input.lastIndexOf('@');
  const local = input.slice(0, at);
  // Compared before IDNA mapping: full-width forms of "@" and "." would otherwise appear afterwards.
  if (
    at < 1 ||
    local.length > 64 ||
    !LOCAL_PART.test(local) ||
    /[^\p{L}\p{M}\p{N}.-]/u.test(input.slice(at + 1))
  )
    return undefined;
  const domain = domainToASCII(input.slice(at + 1));
  const labels = domain.split('.');
  const isDomain =
    labels.length >= 2 && labels.every((label) => LABEL.test(label)) && /[a-z]/.test(labels.at(-1)!);
  const address = `${local}@${domain}`;
  return isDomain && address.length <= 254 ? address : undefined;
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
        validate: (value: unknown) =>
          typeof value === 'string' && value.length <= 320 && normalizeEmail(value) !== undefined,
      },
    });
}
