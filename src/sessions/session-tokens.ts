import { createHmac, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { isEqual, sha256 } from '../common/crypto/tokens';
import { subkey } from '../common/crypto/subkeys';
import { bytesOfUuid, uuidOfBytes } from '../common/crypto/uuid-bytes';
import { Config } from '../config/config';

interface TokenContent {
  sessionId: string;
  /** 256 random bits; only their SHA-256 is stored. */
  secret: Buffer;
}

/** What is in a cookie, with the hash of its secret. */
export interface CookieContent {
  sessionId: string;
  /** In base64url, as of a `LiveSession`. */
  secretHash: string;
}

export interface RefreshTokenContent extends TokenContent {
  /** 0 at login, then one more with each refresh. The secret stays the same through all of them. */
  generation: number;
}

const REFRESH_PREFIX = 'ghr_';
const COOKIE_PREFIX = 'ghs_';
const ID = 16;
const GENERATION = 4;
const SECRET = 32;
const MAC = 16;
/** Some 300 bytes each. */
const MOST_COOKIES = 10_000;

/**
 * The texts that carry a session's secret. In a refresh token the generation stands under a MAC: being unforgeable, an
 * old token can be told from an invented one without keeping any of them, and the same successor can be made again for
 * a client that lost the answer. The prefixes let scanners for leaked secrets find them.
 */
@Injectable()
export class SessionTokens {
  private readonly keys: KeyObject[];
  /** Cookies come with every request of a page. */
  private readonly decodedCookies = new LRUCache<string, CookieContent>({ max: MOST_COOKIES });

  constructor(config: Config) {
    this.keys = config.jwt.secrets.map((secret) => subkey(secret, 'refresh token'));
  }

  encodeRefresh({ sessionId, generation, secret }: RefreshTokenContent): string {
    const count = Buffer.alloc(GENERATION);
    count.writeUInt32BE(generation);
    const content = Buffer.concat([bytesOfUuid(sessionId), count, secret]);
    return write(REFRESH_PREFIX, Buffer.concat([content, mac(this.keys[0]!, content)]));
  }

  /** Undefined for anything that was not made under one of the configured secrets. */
  decodeRefresh(token: string): RefreshTokenContent | undefined {
    const bytes = read(REFRESH_PREFIX, token, ID + GENERATION + SECRET + MAC);
    if (!bytes) return undefined;
    const content = bytes.subarray(0, -MAC);
    if (!this.keys.some((key) => isEqual(mac(key, content), bytes.subarray(-MAC)))) return undefined;
    return {
      sessionId: uuidOfBytes(content),
      generation: content.readUInt32BE(ID),
      secret: content.subarray(ID + GENERATION),
    };
  }

  encodeCookie({ sessionId, secret }: TokenContent): string {
    return write(COOKIE_PREFIX, Buffer.concat([bytesOfUuid(sessionId), secret]));
  }

  decodeCookie(token: string): CookieContent | undefined {
    const known = this.decodedCookies.get(token);
    if (known) return known;
    const bytes = read(COOKIE_PREFIX, token, ID + SECRET);
    if (!bytes) return undefined;
    const secretHash = sha256(bytes.subarray(ID)).toString('base64url');
    const content = { sessionId: uuidOfBytes(bytes), secretHash };
    this.decodedCookies.set(token, content);
    return content;
  }
}

function write(prefix: string, bytes: Buffer): string {
  return prefix + bytes.toString('base64url');
}

function read(prefix: string, token: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(token.slice(prefix.length), 'base64url');
  // Written again it must be the same text: base64url decoders let other spellings of the same bytes through.
  return bytes.length === length && token === write(prefix, bytes) ? bytes : undefined;
}

function mac(key: KeyObject, content: Buffer): Buffer {
  return createHmac('sha256', key).update(content).digest().subarray(0, MAC);
}
