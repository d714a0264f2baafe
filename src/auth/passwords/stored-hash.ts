import { subkey } from '../../common/crypto/subkeys';

/** A stored password hash, taken apart. */
export interface StoredHash {
  /** Which pepper keyed the pre-hash; null for a plain bcrypt hash, which an import brought along. */
  pepperVersion: string | null;
  /** 60 characters. */
  bcrypt: string;
  /** log2 of the rounds. */
  cost: number;
}

/** The version written where no pepper is configured. */
export const NO_PEPPER = '0';

const FORM =
  /^(?:\$bcrypt-hmac-sha384\$p=(0|[\da-f]{8})(?=\$2b\$))?(\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z\d]{53})$/;

/**
 * Reads `$bcrypt-hmac-sha384$p=<pepper version>$2b$<cost>$<salt and digest>` or a plain `$2a$`, `$2b$` or `$2y$` hash.
 * Undefined for anything else, and for costs above 16 (BCRYPT_COST has the same limit): one comparison at cost 31
 * would hold a thread for a day.
 */
export function parseStoredHash(stored: string): StoredHash | undefined {
  const [, version = null, bcrypt, cost] = FORM.exec(stored) ?? [];
  return bcrypt === undefined ? undefined : { pepperVersion: version, bcrypt, cost: Number(cost) };
}

export function formatStoredHash(pepperVersion: string, bcrypt: string): string {
  return `$bcrypt-hmac-sha384$p=${pepperVersion}${bcrypt}`;
}

/** Eight hexadecimal digits that name a pepper. One-way: of 32 random bytes they tell nothing. */
export function pepperVersionOf(pepper: string): string {
  return subkey(pepper, 'password pepper version').export().toString('hex').slice(0, 8);
}

/** A valid hash of no known password, to spend the time of a comparison on. */
export function dummyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(22)}${'.'.repeat(31)}`;
}
