import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';

export interface SigningKey {
  /** Names the key in token headers: a fingerprint, so that it says nothing about a secret. */
  kid: string;
  signs: KeyObject;
  verifies: KeyObject;
}

/** A public key for others to verify access tokens with (RFC 7517). */
export type PublishedKey = JsonWebKey & { kid: string; alg: string; use: 'sig' };

/** The keys of access tokens, from the configuration only: nothing in a token chooses or carries one (RFC 8725 §3.1). */
@Injectable()
export class SigningKeys {
  /** Empty where the key that verifies is the secret that signs. */
  readonly published: PublishedKey[];
  private readonly keys: SigningKey[];

  constructor(config: Config) {
    const { algorithm: alg } = config.jwt;
    this.keys =
      config.jwt.algorithm === 'HS256' ? secretKeys(config.jwt.secrets) : privateKeys(config.jwt.privateKeys);
    this.published = this.keys
      .filter(({ verifies }) => verifies.type === 'public')
      .map(({ kid, verifies }) => ({ ...verifies.export({ format: 'jwk' }), kid, alg, use: 'sig' }));
  }

  /** All of them, the one that signs first. */
  get kids(): string[] {
    return this.keys.map(({ kid }) => kid);
  }

  get current(): SigningKey {
    return this.keys[0]!;
  }

  find(kid: unknown): SigningKey | undefined {
    return this.keys.find((key) => key.kid === kid);
  }
}

function secretKeys(secrets: string[]): SigningKey[] {
  return secrets.map((secret) => {
    const key = createSecretKey(Buffer.from(secret));
    return { kid: fingerprint(Buffer.from(secret)), signs: key, verifies: key };
  });
}

function privateKeys(pems: string[]): SigningKey[] {
  return pems.map((pem) => {
    const signs = createPrivateKey(pem);
    const verifies = createPublicKey(signs);
    return { kid: fingerprint(verifies.export({ type: 'spki', format: 'der' })), signs, verifies };
  });
}

function fingerprint(key: Buffer): string {
  return createHash('sha256').update('gatehouse kid').update(key).digest('base64url').slice(0, 16);
}
