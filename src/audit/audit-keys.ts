import { createHmac, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { isEqual } from '../common/crypto/tokens';
import { subkey } from '../common/crypto/subkeys';
import { Config } from '../config/config';
import type { AuditEvent } from './audit-event.entity';

export type EventContent = Omit<AuditEvent, 'mac' | 'clientMac'>;
export type EventMacs = Pick<AuditEvent, 'mac' | 'clientMac'>;

/** What a link stands for: an event, or, where `dropped` is set, months that went by retention. */
export interface LinkContent {
  sequence: number;
  /** First day of the month in which the event happened, as 2026-11-01. */
  month: string;
  eventId: string | null;
  eventCreatedAt: Date | null;
  /** Null where the event was gone before it was linked. */
  eventMac: Buffer | null;
  /** All sequences that retention has removed until now, as PostgreSQL writes an int8multirange. */
  dropped: string | null;
  /** Of the link before; empty for the first of all. */
  previousHash: Buffer;
  sealedAt: Date;
}

export type Judgement = 'genuine' | 'forged' | 'unknown key';

interface Key {
  id: Buffer;
  key: KeyObject;
}

const KEY_ID = 4;
const HMAC = 32;

/**
 * The keyed hashes of the audit trail: HMAC-SHA-256 (RFC 2104) after 4 bytes that name the key, so that what was written
 * under a key that is gone can be told from what was forged. Texts under them are JSON arrays, whose first element keeps
 * one kind from passing for another.
 */
@Injectable()
export class AuditKeys {
  private readonly keys: Key[];

  constructor(config: Config) {
    this.keys = config.operations.auditSecrets.map((secret) => ({
      id: subkey(secret, 'audit key id').export().subarray(0, KEY_ID),
      key: subkey(secret, 'audit'),
    }));
  }

  sign(event: EventContent): EventMacs {
    const hasClient = event.ip !== null || event.userAgent !== null;
    return {
      mac: this.mac(textOfEvent(event, hasClient)),
      clientMac: hasClient ? this.mac(textOfClient(event)) : null,
    };
  }

  /** `forgotten`: genuine, but address and device have been removed since. */
  judge(event: EventContent & EventMacs): Judgement | 'forgotten' {
    const hasClient = event.clientMac !== null;
    const own = this.check(event.mac, textOfEvent(event, hasClient));
    if (own === 'genuine' && hasClient) return this.check(event.clientMac!, textOfClient(event));
    const isBare = !hasClient && event.ip === null && event.userAgent === null;
    if (own === 'genuine') return isBare ? 'genuine' : 'forged';
    const wasSigned = isBare && this.check(event.mac, textOfEvent(event, true)) === 'genuine';
    return wasSigned ? 'forgotten' : own;
  }

  hash(link: LinkContent): Buffer {
    return this.mac(textOfLink(link));
  }

  judgeLink(link: LinkContent & { hash: Buffer }): Judgement {
    return this.check(link.hash, textOfLink(link));
  }

  private mac(text: string): Buffer {
    const { id, key } = this.keys[0]!;
    return Buffer.concat([id, hmac(key, text)]);
  }

  private check(mac: Buffer, text: string): Judgement {
    if (mac.length !== KEY_ID + HMAC) return 'forged';
    const named = this.keys.filter(({ id }) => isEqual(id, mac.subarray(0, KEY_ID)));
    if (named.length === 0) return 'unknown key';
    return named.some(({ key }) => isEqual(hmac(key, text), mac.subarray(KEY_ID))) ? 'genuine' : 'forged';
  }
}

/** Whether there was a client is part of it, or one could be invented for an event that has none. */
function textOfEvent(event: EventContent, hasClient: boolean): string {
  const { id, action, userId, sessionId, requestId, createdAt } = event;
  return JSON.stringify([
    'event',
    lower(id),
    action,
    lower(userId),
    lower(sessionId),
    requestId,
    createdAt.toISOString(),
    hasClient,
  ]);
}

function textOfClient({ id, ip, userAgent }: EventContent): string {
  return JSON.stringify(['client', lower(id), ip === null ? null : bytesOfAddress(ip), userAgent]);
}

function textOfLink(link: LinkContent): string {
  const { sequence, month, eventId, eventCreatedAt, eventMac, dropped, previousHash, sealedAt } = link;
  return JSON.stringify([
    'link',
    sequence,
    month,
    eventId,
    eventCreatedAt?.toISOString() ?? null,
    eventMac?.toString('hex') ?? null,
    dropped,
    previousHash.toString('hex'),
    sealedAt.toISOString(),
  ]);
}

/** PostgreSQL gives ids back in lower case, however they were written. */
function lower(id: string | null): string | null {
  return id?.toLowerCase() ?? null;
}

/** PostgreSQL gives IPv6 addresses back in its own spelling. What is none was not written by the service. */
function bytesOfAddress(address: string): number[] | string {
  return ipaddr.isValid(address) ? ipaddr.parse(address).toByteArray() : address;
}

function hmac(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
