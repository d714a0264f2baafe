import { createHmac, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { subkey } from '../../common/crypto/subkeys';
import { isEqual } from '../../common/crypto/tokens';
import { Config } from '../../config/config';

/**
 * CSRF tokens: an HMAC of the session's id, so that a token belongs to one session, changes with each login and is
 * stored nowhere (OWASP cheat sheet on CSRF, "HMAC based token pattern").
 */
@Injectable()
export class CsrfTokens {
  private readonly keys: KeyObject[];

  constructor(config: Config) {
    this.keys = config.jwt.secrets.map((secret) => subkey(secret, 'csrf'));
  }

  issue(sessionId: string): string {
    return hmac(this.keys[0]!, sessionId).toString('base64url');
  }

  verify(token: unknown, sessionId: string): boolean {
    if (typeof token !== 'string') return false;
    const presented = Buffer.from(token, 'base64url');
    return this.keys.some((key) => isEqual(presented, hmac(key, sessionId)));
  }
}

function hmac(key: KeyObject, sessionId: string): Buffer {
  return createHmac('sha256', key).update(sessionId).digest();
}
