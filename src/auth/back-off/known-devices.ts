import { createHmac, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock';
import { subkey } from '../../common/crypto/subkeys';
import { isEqual, randomOctets } from '../../common/crypto/tokens';
import { bytesOfUuid } from '../../common/crypto/uuid-bytes';
import { Config } from '../../config/config';

/** Milliseconds for which a device stays known after its last login. */
export const DEVICE_TTL_MS = 365 * 24 * 3_600_000;

/** Accounts that one browser is known to; a further one replaces the one that logged in longest ago. */
const MOST_ACCOUNTS = 5;

const PREFIX = 'ghd_';
const ID = 16;
const TIME = 4;
const MAC = 16;
const ENTRY = ID + TIME + MAC;
/** Of no account: an unknown address takes the same work as a known one. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** The proof that a password was right on this device once: a random id and a time, under a MAC with the account's id. */
export interface KnownDevice {
  id: Buffer;
  bytes: Buffer;
}

/**
 * The text that a browser keeps to be told from strangers, after the OWASP page on device cookies. It says nothing but
 * random numbers and times: whose they are only the MAC knows, so that a device known to one account is a stranger to
 * every other. Each login makes a new id; a copy of an old one goes on counting under the old.
 */
@Injectable()
export class KnownDevices {
  private readonly keys: KeyObject[];

  constructor(
    private readonly clock: Clock,
    config: Config,
  ) {
    this.keys = config.jwt.secrets.map((secret) => subkey(secret, 'device'));
  }

  /** What the text holds and has not run out; the claims in it are unproven until `find`. */
  read(text: string | undefined): KnownDevice[] {
    const bytes = Buffer.from(text?.slice(PREFIX.length) ?? '', 'base64url');
    // Written again it must be the same text: base64url decoders let other spellings of the same bytes through.
    if (bytes.length % ENTRY !== 0 || bytes.length > MOST_ACCOUNTS * ENTRY || text !== write(bytes))
      return [];
    const entries = Array.from({ length: bytes.length / ENTRY }, (_, index) =>
      bytes.subarray(index * ENTRY, (index + 1) * ENTRY),
    );
    const since = this.seconds() - DEVICE_TTL_MS / 1000;
    return entries
      .filter((entry) => entry.readUInt32BE(ID) > since)
      .map((entry) => ({ id: entry.subarray(0, ID), bytes: entry }));
  }

  /** The one of them that was made for the account. */
  find(devices: KnownDevice[], userId: string = NOBODY): KnownDevice | undefined {
    return devices.find(({ bytes }) =>
      this.keys.some((key) => isEqual(mac(key, bytes.subarray(0, -MAC), userId), bytes.subarray(-MAC))),
    );
  }

  /** The text from now on: known to the account, and to the others that it was known to. */
  renew(devices: KnownDevice[], userId: string): string {
    const time = Buffer.alloc(TIME);
    time.writeUInt32BE(this.seconds());
    const content = Buffer.concat([randomOctets(ID), time]);
    const old = this.find(devices, userId);
    const others = devices.filter((device) => device !== old).map(({ bytes }) => bytes);
    return write(
      Buffer.concat([content, mac(this.keys[0]!, content, userId), ...others.slice(0, MOST_ACCOUNTS - 1)]),
    );
  }

  private seconds(): number {
    return Math.floor(this.clock.now().getTime() / 1000);
  }
}

function write(bytes: Buffer): string {
  return PREFIX + bytes.toString('base64url');
}

function mac(key: KeyObject, content: Buffer, userId: string): Buffer {
  return createHmac('sha256', key).update(content).update(bytesOfUuid(userId)).digest().subarray(0, MAC);
}
