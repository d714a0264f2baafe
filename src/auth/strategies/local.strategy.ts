import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-local';
import type { Principal } from '../../common/access/principal';
import { clientInfoOf } from '../../common/http/client-info';
import { DeviceCookie } from '../back-off/device-cookie';
import { CredentialsService, type Authenticated } from '../login/credentials.service';

/** A login that may come from somebody who is logged in already. */
export interface LoginHttpRequest extends FastifyRequest {
  liveSession?: Principal;
}

/** What passport-local is shown of a login: in a request it would look for the password in the query as well. */
export interface LoginForm {
  body: unknown;
  request: LoginHttpRequest;
}

/** Carries email and password of POST /api/auth/login to the one place that judges them. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy, 'local') {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly device: DeviceCookie,
  ) {
    super({ usernameField: 'email', passwordField: 'password', passReqToCallback: true });
  }

  validate({ request }: LoginForm, email: string, password: string): Promise<Authenticated> {
    const visitor = { devices: this.device.read(request), session: request.liveSession };
    return this.credentials.authenticate(email, password, visitor, clientInfoOf(request));
  }
}
