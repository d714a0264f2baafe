import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isEqual } from '../common/crypto/tokens';
import { subkey } from '../common/crypto/subkeys';
import { Config } from '../config/config';

export interface RefreshTokenContent {
  sessionId: string;
  generation: number;
  /** 256 random bits, the same through all generations of a session; only their SHA-256 is stored. */
  secret: Buffer;
}

const PREFIX = 'ghr_';
const SIZE = { id: 16, generation: 4, secret: 32, mac: 16 };
const CONTENT = SIZE.id + SIZE.generation + SIZE.secret;

/**
 * The text of a refresh token: session, generation and secret under a MAC. The MAC makes the generation unforgeable,
 * so an old token can be told from an invented one without keeping any of them, and the same successor can be made
 * again for a client that lost the answer.
 */
@Injectable()
export class RefreshTokenCodec {
  private readonly keys: Buffer[];

  constructor(config: Config) {
    this.keys = config.jwt.secrets.map((secret) => subkey(secret, 'refresh token'));
  }

  encode({ sessionId, generation, secret }: RefreshTokenContent): string {
    const content = Buffer.alloc(CONTENT);
    content.write(sessionId.replaceAll('-', ''), 0, 'hex');
    content.writeUInt32BE(generation, SIZE.id);
    secret.copy(content, SIZE.id + SIZE.generation);
    return PREFIX + Buffer.concat([content, mac(this.keys[0]!, content)]).toString('base64url');
  }

  /** Undefined for anything that was not made by {@link encode} under one of the configured secrets. */
  decode(token: string): RefreshTokenContent | undefined {
    const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
    // Comparing the text again refuses the other spellings that base64url decoders let through.
    if (token !== PREFIX + bytes.toString('base64url') || bytes.length !== CONTENT + SIZE.mac)
      return undefined;
    const content = bytes.subarray(0, CONTENT);
    if (!this.keys.some((key) => isEqual(mac(key, content), bytes.subarray(CONTENT)))) return undefined;
    return {
      sessionId: uuidOf(content.subarray(0, SIZE.id)),
      generation: content.readUInt32BE(SIZE.id),
      secret: content.subarray(SIZE.id + SIZE.generation),
    };
  }
}

function mac(key: Buffer, content: Buffer): Buffer {
  return createHmac('sha256', key).update(content).digest().subarray(0, SIZE.mac);
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
