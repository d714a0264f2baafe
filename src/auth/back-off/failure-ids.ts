import { sha256 } from '../../common/crypto/tokens';
import { canonicalEmail } from '../../common/validation/email-address';

/**
 * What wrong passwords are counted under. An address, not an account: so addresses without an account are held back
 * alike, and nobody moves another one's count by anything but guessing at it.
 *
 * @param email normalised
 */
export function failuresOfAddress(email: string): Buffer {
  return sha256(`address ${canonicalEmail(email)}`);
}

/** Those of a device that the account knows: it neither suffers from strangers nor adds to their count. */
export function failuresOfDevice(deviceId: Buffer): Buffer {
  return sha256(`device ${deviceId.toString('hex')}`);
}

/** Those of somebody who logs in again although there is a live session of the account. */
export function failuresOfSession(sessionId: string): Buffer {
  return sha256(`session ${sessionId}`);
}

/** Those of whoever is logged in and is asked for the password again. */
export function failuresOfConfirmation(userId: string): Buffer {
  return sha256(`confirmation ${userId}`);
}
