import { hkdfSync } from 'node:crypto';

/**
 * A 256-bit key for one purpose out of a root secret (HKDF-SHA-256, RFC 5869): what one purpose leaks or signs is
 * worth nothing for another.
 */
export function subkey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `gatehouse ${purpose}`, 32));
}
