import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { Clock } from '../../common/clock';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import { Config } from '../../config/config';
import { AuthenticationService, type AccessTokenContent } from '../../sessions/authentication.service';
import { SessionCookie } from '../cookies/session-cookie';
import { ACCESS_TOKEN_TYPE, generationOf, type AccessTokenClaims } from '../tokens/access-tokens';
import { SigningKeys } from '../tokens/signing-keys';
import { VerifiedTokens } from '../tokens/verified-tokens';
import { bearerTokenOf } from './bearer-token';
import { principalOf } from './principal-of';

interface DecodedToken {
  header: { typ?: unknown; crit?: unknown };
  payload: Partial<AccessTokenClaims>;
}

/** Reads the bearer token. The signature says who it was made for; the session behind it says whether it still counts. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(
    config: Config,
    keys: SigningKeys,
    jwt: JwtService,
    private readonly verified: VerifiedTokens,
    private readonly authentication: AuthenticationService,
    private readonly cookie: SessionCookie,
    private readonly clock: Clock,
  ) {
    super({
      jwtFromRequest: (request: FastifyRequest) => bearerTokenOf(request),
      // `kid` picks among the configured keys; the algorithm is the configured one, whatever the header says.
      secretOrKeyProvider: (_request: unknown, token: string, done: KeyCallback) => {
        const key = keys.find(kidOf(jwt, token));
        // Without a key the library must not be asked: it throws where the signature is empty as well.
        if (!key) return done(new Error('the token names no key of ours'));
        // A KeyObject is fine for the library; its types are older than that.
        done(null, key.verifies as unknown as string);
      },
      algorithms: [config.jwt.algorithm],
      issuer: config.jwt.issuer,
      audience: config.jwt.audience,
      // Checked below against the injected clock.
      ignoreExpiration: true,
      jsonWebTokenOptions: { complete: true },
      passReqToCallback: true,
    });
  }

  /**
   * Whose request it is, where memory alone can tell: a token verified before, of a session in use, and nothing to be
   * written down. Undefined says nothing: Passport is to be asked.
   */
  recall(request: FastifyRequest): Principal | undefined {
    const token = bearerTokenOf(request);
    const known = token === null ? undefined : this.verified.find(token);
    if (!known || this.isOver(known) || this.cookie.read(request) !== undefined) return undefined;
    const session = this.authentication.recallByAccessToken(known);
    return session && principalOf(session);
  }

  /** What Passport asks once the library has found signature, issuer and audience good. */
  async validate(request: FastifyRequest, { header, payload }: DecodedToken): Promise<Principal> {
    const content = contentOf(header, payload);
    if (this.isOver(content)) throw new AppError('token_expired');
    this.verified.keep(bearerTokenOf(request)!, content);
    const used = await this.authentication.byAccessToken(content);
    if (!used) throw new AppError('session_revoked');
    await this.refuseCookieOfAnother(request, content.userId);
    return principalOf(used.session);
  }

  private isOver({ expiresAt }: AccessTokenContent): boolean {
    return expiresAt <= this.clock.now().getTime();
  }

  /** Two credentials of two people: whichever was meant, acting for one of them would be a guess. */
  private async refuseCookieOfAnother(request: FastifyRequest, userId: string): Promise<void> {
    const token = this.cookie.read(request);
    const used = token === undefined ? undefined : await this.authentication.byCookie(token);
    if (used && used.session.userId !== userId)
      throw new AppError('token_invalid', { detail: 'The token and the cookie belong to different users' });
  }
}

type KeyCallback = (error: Error | null, key?: string) => void;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const isText = (value: unknown): value is string => typeof value === 'string';
const isUuid = (value: unknown): value is string => isText(value) && UUID.test(value);
const isNumber = (value: unknown): value is number => typeof value === 'number';

/** @throws AppError `token_invalid` where it says something else than our access tokens say, whoever signed it */
function contentOf(header: DecodedToken['header'], payload: DecodedToken['payload']): AccessTokenContent {
  const { sub, sid, iat, exp, jti } = payload;
  const generation = generationOf(jti);
  if (
    header.typ !== ACCESS_TOKEN_TYPE ||
    // What is marked as critical must be understood (RFC 7515 §4.1.11), and nothing of the kind is.
    header.crit !== undefined ||
    !isText(sub) ||
    !isUuid(sid) ||
    !isNumber(iat) ||
    !isNumber(exp) ||
    generation === undefined
  )
    throw new AppError('token_invalid');
  return { userId: sub, sessionId: sid, generation, expiresAt: exp * 1000 };
}

/** The key that the token says it was signed with. What is not a token at all names none. */
function kidOf(jwt: JwtService, token: string): unknown {
  try {
    return jwt.decode<{ header: { kid?: unknown } } | null>(token, { complete: true })?.header.kid;
  } catch {
    return undefined;
  }
}
