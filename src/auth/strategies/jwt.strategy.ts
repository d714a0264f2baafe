import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { Clock } from '../../common/clock';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import { Config } from '../../config/config';
import { SessionsService } from '../../sessions/sessions.service';
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims } from '../tokens/access-tokens';
import { SigningKeys } from '../tokens/signing-keys';

interface DecodedToken {
  header: { typ?: unknown };
  payload: Partial<AccessTokenClaims>;
}

/** Reads the bearer token. The signature says who it was made for; the session behind it says whether it still counts. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(
    config: Config,
    keys: SigningKeys,
    jwt: JwtService,
    private readonly sessions: SessionsService,
    private readonly clock: Clock,
  ) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      // `kid` picks among the configured keys; the algorithm is the configured one, whatever the header says.
      secretOrKeyProvider: (_request: unknown, token: string, done: KeyCallback) =>
        // A KeyObject is fine for the library; its types are older than that.
        done(null, keys.find(kidOf(jwt, token))?.verifies as unknown as string),
      algorithms: [config.jwt.algorithm],
      issuer: config.jwt.issuer,
      audience: config.jwt.audience,
      // Checked below against the injected clock.
      ignoreExpiration: true,
      jsonWebTokenOptions: { complete: true },
    });
  }

  async validate({ header, payload }: DecodedToken): Promise<Principal> {
    const { sub, sid, exp } = payload;
    const isAccessToken = header.typ === ACCESS_TOKEN_TYPE;
    if (!isAccessToken || typeof sub !== 'string' || typeof sid !== 'string' || typeof exp !== 'number')
      throw new AppError('token_invalid');
    if (exp * 1000 <= this.clock.now().getTime()) throw new AppError('token_expired');
    const principal = await this.sessions.authenticate(sid, sub);
    if (!principal) throw new AppError('session_revoked');
    return principal;
  }
}

type KeyCallback = (error: Error | null, key?: string) => void;

/** The key that the token says it was signed with. What is not a token at all names none. */
function kidOf(jwt: JwtService, token: string): unknown {
  try {
    return jwt.decode<{ header: { kid?: unknown } } | null>(token, { complete: true })?.header.kid;
  } catch {
    return undefined;
  }
}
