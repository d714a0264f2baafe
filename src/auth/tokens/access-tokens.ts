import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Clock } from '../../common/clock';
import { newId } from '../../common/crypto/tokens';
import { Config } from '../../config/config';
import type { Session } from '../../sessions/session.entity';
import type { UserView } from '../../users/user.entity';
import { SigningKeys } from './signing-keys';

/** Claims of an access token (RFC 9068); times in seconds since the epoch. */
export interface AccessTokenClaims {
  iss: string;
  aud: string;
  sub: string;
  email: string;
  sid: string;
  /** `<uuid>.<generation>`: unique, and says which refresh it came from. */
  jti: string;
  iat: number;
  exp: number;
}

export interface AccessToken {
  token: string;
  /** Seconds. */
  expiresIn: number;
}

export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** Lifetimes are shortened by up to this part, so that clients that started together do not refresh together. */
const JITTER = 0.05;

@Injectable()
export class AccessTokens {
  constructor(
    private readonly jwt: JwtService,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Signs a token for the current generation of a session. It never outlives the session. */
  issue(user: Pick<UserView, 'id' | 'email'>, session: Session): AccessToken {
    const { issuer, audience, algorithm } = this.config.jwt;
    const now = this.clock.now().getTime();
    const lifetime = this.config.sessions.accessTokenTtl * (1 - JITTER * Math.random());
    const expiresIn = Math.floor(Math.min(lifetime, session.expiresAt.getTime() - now) / 1000);
    const iat = Math.floor(now / 1000);
    const claims: AccessTokenClaims = {
      iss: issuer,
      aud: audience,
      sub: user.id,
      email: user.email,
      sid: session.id,
      jti: `${newId()}.${session.generation}`,
      iat,
      exp: iat + expiresIn,
    };
    const { kid, signs } = this.keys.current;
    // Not `signAsync`: it signs on this thread too, behind a stream of its own for each token.
    const token = this.jwt.sign(claims, {
      // For every algorithm: a KeyObject of the wrong kind is refused by the library.
      privateKey: signs,
      algorithm,
      header: { alg: algorithm, typ: ACCESS_TOKEN_TYPE, kid },
    });
    return { token, expiresIn };
  }
}

/** The generation in a `jti`; undefined for one that is not ours. */
export function generationOf(jti: unknown): number | undefined {
  const digits = typeof jti === 'string' ? /\.(\d{1,10})$/.exec(jti)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}
