import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/**
 * A 256-bit key for one purpose out of a root secret (HKDF-SHA-256, RFC 5869): what one purpose leaks or signs is
 * worth nothing for another. A key object: made of bytes for each use, the key would cost six times the HMAC.
 */
export function subkey(secret: string, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `gatehouse ${purpose}`, 32)));
}
