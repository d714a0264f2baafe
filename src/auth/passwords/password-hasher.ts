import { createHmac } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Registry } from 'prom-client';
import { LoadShedding } from '../../common/load/load-shedding';
import { Config } from '../../config/config';
import { HashPool } from './hash-pool';
import { normalizePassword } from './password-text';
import { dummyHash, formatStoredHash, NO_PEPPER, parseStoredHash, pepperVersionOf } from './stored-hash';

/**
 * Hashes passwords as bcrypt over base64(HMAC-SHA-384(pepper, NFC password)), after the OWASP cheat sheet on password
 * storage: bcrypt sees 64 characters, so that nothing is cut at its 72 bytes, and a stolen database is worthless
 * without the pepper. Stored as `$bcrypt-hmac-sha384$p=<pepper version>$2b$<cost>$<salt and digest>`; the version is
 * `0` without a pepper (an empty key). Plain bcrypt hashes of an import verify as well.
 *
 * Hashing is accounted to whoever asks: on a route without `@Expensive()`, and outside of requests without `runFor`, it
 * throws a TypeError.
 */
@Injectable()
export class PasswordHasher implements OnApplicationShutdown {
  private readonly pool: HashPool;
  private readonly cost: number;
  private readonly currentVersion: string;
  private readonly pepperOfVersion: Map<string, string>;

  constructor({ passwords: { bcryptCost, peppers } }: Config, registry: Registry, shedding: LoadShedding) {
    this.pool = new HashPool({ registry, shedding });
    const versions = peppers.map((pepper) => [pepperVersionOf(pepper), pepper] as const);
    this.cost = bcryptCost;
    this.currentVersion = versions[0]?.[0] ?? NO_PEPPER;
    this.pepperOfVersion = new Map([[NO_PEPPER, ''], ...versions]);
  }

  /**
   * @param password has passed the policy
   * @throws AppError `overloaded` when too many hashes are waiting
   */
  async hash(password: string): Promise<string> {
    const input = this.inputOf(password, this.currentVersion);
    if (input === undefined) throw new TypeError('The password must pass the policy before it is hashed');
    return formatStoredHash(this.currentVersion, await this.pool.hash(input, this.cost));
  }

  /**
   * Whether `stored` is a hash of the password. Every call costs the time of one comparison at the configured cost:
   * without a hash, with one that cannot be read and with one of a lower cost too, so that response times do not tell
   * which accounts exist.
   *
   * @throws AppError `overloaded` when too many hashes are waiting
   */
  async verify(password: string, stored: string | null): Promise<boolean> {
    const parsed = stored === null ? undefined : parseStoredHash(stored);
    const input = parsed && this.inputOf(password, parsed.pepperVersion);
    if (parsed === undefined || input === undefined) {
      await this.pool.compare('', [dummyHash(this.cost)]);
      return false;
    }
    return this.pool.compare(input, [parsed.bcrypt, ...this.fillersAbove(parsed.cost)]);
  }

  /** Whether the hash should be replaced at the next login: another cost, pepper or scheme than configured. */
  needsRehash(stored: string): boolean {
    const parsed = parseStoredHash(stored);
    return parsed?.pepperVersion !== this.currentVersion || parsed.cost !== this.cost;
  }

  /** Jobs that wait for a thread. */
  get queueSize(): number {
    return this.pool.queueSize;
  }

  /** Threads alive at the moment. */
  get threads(): number {
    return this.pool.threads;
  }

  /** Not `onModuleDestroy`, which comes before the server has stopped: requests under way are still to be answered. */
  onApplicationShutdown(): Promise<void> {
    return this.pool.close();
  }

  /** What bcrypt gets. Undefined for an unknown pepper and for text that is nobody's password. */
  private inputOf(password: string, pepperVersion: string | null): string | undefined {
    const text = normalizePassword(password);
    if (pepperVersion === null || text === undefined) return text;
    const pepper = this.pepperOfVersion.get(pepperVersion);
    return pepper === undefined ? undefined : createHmac('sha384', pepper).update(text).digest('base64');
  }

  /** Dummies that take 2^cost + … + 2^(configured - 1) rounds: what a cheap hash leaves of 2^configured. */
  private fillersAbove(cost: number): string[] {
    return Array.from({ length: Math.max(0, this.cost - cost) }, (_, step) => dummyHash(cost + step));
  }
}
