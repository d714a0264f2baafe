import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isEqual, sha256 } from '../common/crypto/tokens';
import { AppError } from '../common/errors/app-error';
import { Config } from '../config/config';

/** RFC 6750 §2.1; the scheme in any letter case (RFC 9110 §11.1). */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

/** Asks for METRICS_TOKEN, in the header where Prometheus puts the `credentials` of its `authorization`. */
@Injectable()
export class MetricsTokenGuard implements CanActivate {
  private readonly tokenHash: Buffer;

  constructor({ metrics }: Config) {
    this.tokenHash = sha256(metrics.token!);
  }

  canActivate(context: ExecutionContext): boolean {
    const { authorization } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (authorization === undefined) throw new AppError('unauthenticated');
    const token = BEARER.exec(authorization)?.[1] ?? '';
    // By their hashes, which are of one length: the time it takes tells nothing of the token.
    if (!isEqual(sha256(token), this.tokenHash)) throw new AppError('token_invalid');
    return true;
  }
}
