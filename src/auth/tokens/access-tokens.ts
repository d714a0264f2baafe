import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Clock } from '../../common/clock';
import { newId } from '../../common/crypto/tokens';
import { Config } from '../../config/config';
import { SigningKeys } from './signing-keys';

/** Claims of an access token (RFC 9068); times in seconds since the epoch. */
export interface AccessTokenClaims {
  iss: string;
  aud: string;
  sub: string;
  email: string;
  sid: string;
  jti: string;
  iat: number;
  exp: number;
}

export const ACCESS_TOKEN_TYPE = 'at+jwt';

@Injectable()
export class AccessTokens {
  constructor(
    private readonly jwt: JwtService,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Signs a token for one session. `expiresIn` is in seconds. */
  async issue(subject: {
    userId: string;
    email: string;
    sessionId: string;
  }): Promise<{ token: string; expiresIn: number }> {
    const { issuer, audience, algorithm } = this.config.jwt;
    const expiresIn = Math.floor(this.config.sessions.accessTokenTtl / 1000);
    const iat = Math.floor(this.clock.now().getTime() / 1000);
    const claims: AccessTokenClaims = {
      iss: issuer,
      aud: audience,
      sub: subject.userId,
      email: subject.email,
      sid: subject.sessionId,
      jti: newId(),
      iat,
      exp: iat + expiresIn,
    };
    const { kid, signs } = this.keys.current;
    const token = await this.jwt.signAsync(claims, {
      // For every algorithm: a KeyObject of the wrong kind is refused by the library.
      privateKey: signs,
      algorithm,
      header: { alg: algorithm, typ: ACCESS_TOKEN_TYPE, kid },
    });
    return { token, expiresIn };
  }
}
