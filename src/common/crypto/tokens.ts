import { hash, randomFillSync, randomUUIDv7, timingSafeEqual } from 'node:crypto';

/** A UUID v7 (RFC 9562 §5.7): ordered by time, so that indexes stay dense. */
export function newId(): string {
  return randomUUIDv7();
}

/** Random bytes that have been fetched and not been given out. */
const stock = Buffer.alloc(4096);
let left = 0;

/**
 * Unguessable bytes, of which the system's generator is asked for many at once: for a few it takes nearly as long. None is
 * given out twice, and what is given out is not kept.
 *
 * @param size 4096 at most
 */
export function randomOctets(size: number): Buffer {
  if (left < size) left = randomFillSync(stock).length;
  const fresh = stock.subarray(left - size, left);
  const given = Buffer.from(fresh);
  fresh.fill(0);
  left -= size;
  return given;
}

/** 256 random bits as 43 characters of base64url. */
export function newSecret(): string {
  return randomOctets(32).toString('base64url');
}

/** What is stored of a random secret. A plain SHA-256 is enough for 256 bits of entropy (ASVS 11.4.2). */
export function sha256(secret: string | Buffer): Buffer {
  return hash('sha256', secret, 'buffer');
}

export function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
