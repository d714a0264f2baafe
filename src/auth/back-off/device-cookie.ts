import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../../common/clock';
import { Config } from '../../config/config';
import { onlyCookie } from '../cookies/only-cookie';
import { DEVICE_TTL_MS, KnownDevices, type KnownDevice } from './known-devices';

/** The cookie of a known device. It opens nothing: whoever has it may guess, at a rate of their own. */
@Injectable()
export class DeviceCookie {
  private readonly isSecure: boolean;
  private readonly name: string;

  constructor(
    private readonly knownDevices: KnownDevices,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.isSecure = config.http.publicUrl.startsWith('https:');
    this.name = this.isSecure ? '__Host-device' : 'device';
  }

  read(request: FastifyRequest): KnownDevice[] {
    return this.knownDevices.read(onlyCookie(request, this.name));
  }

  /** Makes the browser known to an account whose password or mailbox it has just proven. */
  remember(userId: string, request: FastifyRequest, reply: FastifyReply): void {
    void reply.setCookie(this.name, this.knownDevices.renew(this.read(request), userId), {
      path: '/',
      httpOnly: true,
      secure: this.isSecure,
      sameSite: 'lax',
      expires: new Date(this.clock.now().getTime() + DEVICE_TTL_MS),
    });
  }
}
