import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config';
import { onlyCookie } from './only-cookie';

/**
 * The cookie of a session. `__Host-` makes browsers refuse it without Secure, with a Domain or from a subdomain
 * (RFC 6265bis §4.1.3); plain http, as on localhost, cannot have that.
 */
@Injectable()
export class SessionCookie {
  private readonly isSecure: boolean;
  private readonly name: string;

  constructor(config: Config) {
    this.isSecure = config.http.publicUrl.startsWith('https:');
    this.name = this.isSecure ? '__Host-session' : 'session';
  }

  read(request: FastifyRequest): string | undefined {
    return onlyCookie(request, this.name);
  }

  set(reply: FastifyReply, token: string, expiresAt: Date): void {
    void reply.setCookie(this.name, token, { ...this.attributes(), expires: expiresAt });
  }

  clear(reply: FastifyReply): void {
    void reply.clearCookie(this.name, this.attributes()).header('Clear-Site-Data', '"cookies"');
  }

  private attributes() {
    return { path: '/', httpOnly: true, secure: this.isSecure, sameSite: 'lax' } as const;
  }
}
