import { createHmac, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isEqual } from '../../common/crypto/tokens';
import { subkey } from '../../common/crypto/subkeys';
import { bytesOfUuid, uuidOfBytes } from '../../common/crypto/uuid-bytes';
import { Config } from '../../config/config';

const ID = 16;

/**
 * The token of a "not me" link: the notice's id under a MAC. Every try to deliver the letter carries the same one, and
 * nothing is stored that a thief of the database could use.
 */
@Injectable()
export class NoticeTokens {
  private readonly keys: KeyObject[];

  constructor(config: Config) {
    this.keys = config.jwt.secrets.map((secret) => subkey(secret, 'not me'));
  }

  encode(noticeId: string): string {
    const id = bytesOfUuid(noticeId);
    return Buffer.concat([id, mac(this.keys[0]!, id)]).toString('base64url');
  }

  /** The notice's id; undefined for anything that was not made here. */
  decode(token: string): string | undefined {
    const bytes = Buffer.from(token, 'base64url');
    const id = bytes.subarray(0, ID);
    const isOurs = this.keys.some((key) => isEqual(mac(key, id), bytes.subarray(ID)));
    return isOurs ? uuidOfBytes(id) : undefined;
  }
}

function mac(key: KeyObject, id: Buffer): Buffer {
  return createHmac('sha256', key).update(id).digest();
}
