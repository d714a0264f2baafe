import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { registerDecorator, type ValidationOptions } from 'class-validator';

type Rule = (value: string) => boolean;

/** Validates a string by a plain predicate, so that each rule of the environment is one small function. */
export function IsText(rule: Rule, options: ValidationOptions): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'isText',
      target: target.constructor,
      propertyName: property as string,
      options,
      validator: { validate: (value: unknown) => typeof value === 'string' && rule(value) },
    });
}

/** The comma-separated parts of a list, trimmed, empty ones dropped. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** A URL of one of the schemes; an http(s) one must be a bare origin, since links are built by appending to it. */
export function isUrl(...schemes: string[]): Rule {
  return (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (!url || !schemes.includes(url.protocol.slice(0, -1)) || url.hostname === '') return false;
    return !schemes.includes('https') || isBareOrigin(url);
  };
}

/** Where a token is appended as the fragment; a query is welcome. */
export const isLinkUrl: Rule = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || /\s/.test(value)) return false;
  return url.username === '' && url.password === '' && !value.includes('#');
};

/** As browsers write them: no path, no trailing slash, no default port, lower case; no wildcards, and never `null`. */
export const isOriginList: Rule = (value) =>
  listOf(value).every(
    (origin) =>
      /^https?:\/\/[^*]+$/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin,
  );

export const isCidrOrHops: Rule = (value) =>
  value === 'off' ||
  /^([1-9]|[12]\d|3[0-2])$/.test(value) ||
  (listOf(value).length > 0 && listOf(value).every(isAddressOrCidr));

export const isMailbox: Rule = (value) =>
  /^([^<>\r\n"]{1,100} <[^\s<>@,]+@[^\s<>@,]+>|[^\s<>@,]+@[^\s<>@,]+)$/.test(value);

/** 32 bytes or more each; a value of few distinct characters or from public examples is no secret (RFC 8725 §3.5). */
export const isSecretList: Rule = (value) => {
  const secrets = listOf(value);
  return secrets.length > 0 && secrets.every(isStrongSecret) && new Set(secrets).size === secrets.length;
};

/** A token as an Authorization header carries it (RFC 6750 §2.1), as hard to guess as any secret. */
export const isToken: Rule = (value) => /^[\w.~+/-]+=*$/.test(value) && isStrongSecret(value);

/** Where five digits are appended. Plain http on this machine only: the digits narrow a password down. */
export const isRangeUrl: Rule = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !url.pathname.endsWith('/') || url.search !== '' || url.hash !== '' || url.username !== '')
    return false;
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname))
  );
};

export const isPemList: Rule = (value) => {
  const rest = pemBlocks(value).reduce((text, block) => text.replace(block, ''), withLineBreaks(value));
  return (
    pemBlocks(value).length > 0 && rest.trim() === '' && pemBlocks(value).every((block) => kindOfKey(block))
  );
};

/** The PEM blocks of a text that holds one after another. */
export function pemBlocks(text: string): string[] {
  return (
    withLineBreaks(text).match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----/g) ??
    []
  );
}

/** `RS256` or `ES256` for a key that can sign so (RSA of 2048 bits or more, P-256); undefined for any other. */
export function kindOfKey(pem: string): 'RS256' | 'ES256' | undefined {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
    if (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return 'RS256';
    return type === 'ec' && details?.namedCurve === 'prime256v1' ? 'ES256' : undefined;
  } catch {
    return undefined;
  }
}

/** PEM on one line, as many tools that set variables demand: `\\n` stands for a line break. */
function withLineBreaks(pem: string): string {
  return pem.replaceAll('\\n', '\n');
}

function isBareOrigin(url: URL): boolean {
  return (
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  );
}

function isAddressOrCidr(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

const WELL_KNOWN =
  /secret|changeme|change[-_ ]?me|password|example|default|gatehouse|your[-_ ]|123456|abcdef|qwerty/i;

function isStrongSecret(secret: string): boolean {
  return Buffer.byteLength(secret) >= 32 && new Set(secret).size >= 10 && !WELL_KNOWN.test(secret);
}
