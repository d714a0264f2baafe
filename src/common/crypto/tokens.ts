import { hash, randomBytes, randomUUIDv7, timingSafeEqual } from 'node:crypto';

/** A UUID v7 (RFC 9562 §5.7): ordered by time, so that indexes stay dense. */
export function newId(): string {
  return randomUUIDv7();
}

/** 256 random bits as 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a random secret. A plain SHA-256 is enough for 256 bits of entropy (ASVS 11.4.2). */
export function sha256(secret: string | Buffer): Buffer {
  return hash('sha256', secret, 'buffer');
}

export function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
