import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { normalizeEmail } from '../../common/validation/email-address';
import { RateLimitService } from '../../rate-limit/rate-limit.service';
import { UsersService } from '../../users/users.service';
import { DeviceCookie } from './device-cookie';
import { KnownDevices } from './known-devices';

/** Tells the rate limits who is no stranger to an account: what strangers have used up is not the owner's. */
@Injectable()
export class Recognition implements OnModuleInit {
  constructor(
    private readonly limits: RateLimitService,
    private readonly users: UsersService,
    private readonly cookie: DeviceCookie,
    private readonly knownDevices: KnownDevices,
  ) {}

  onModuleInit(): void {
    this.limits.recogniseBy((request, email) => this.isKnown(request, email));
  }

  /** Asked about refused requests only; of those without the cookie the database never hears. */
  private async isKnown(request: FastifyRequest, email: string): Promise<boolean> {
    const devices = this.cookie.read(request);
    const address = normalizeEmail(email);
    if (devices.length === 0 || address === undefined) return false;
    const user = await this.users.findByEmail(address);
    return this.knownDevices.find(devices, user?.id) !== undefined;
  }
}
