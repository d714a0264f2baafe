// What most people have: Nest on Fastify with @nestjs/passport and passport-jwt. The token is believed until it
// expires: no session, no revocation, no headers, no log. Decorators are called by hand, Node strips types only.
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExtractJwt, Strategy } from 'passport-jwt';

const { PORT, JWT_SECRET, PUBLIC_URL } = process.env;

class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: JWT_SECRET,
      algorithms: ['HS256'],
      issuer: PUBLIC_URL,
      audience: PUBLIC_URL,
    });
  }

  validate({ sub, sid }) {
    return { userId: sub, sessionId: sid };
  }
}

class BareController {
  public() {
    return { csrfToken: 'x'.repeat(43) };
  }

  authenticated() {
    return { csrfToken: 'x'.repeat(43) };
  }
}
decorate(BareController, 'public', Get('public'));
decorate(BareController, 'authenticated', Get('authenticated'), UseGuards(AuthGuard('jwt')));
Controller()(BareController);

class BareModule {}
Module({ imports: [PassportModule], controllers: [BareController], providers: [JwtStrategy] })(BareModule);

const app = await NestFactory.create(BareModule, new FastifyAdapter(), { logger: false });
await app.listen(Number(PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit());

function decorate({ prototype }, method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  for (const decorator of decorators) decorator(prototype, method, descriptor);
}
