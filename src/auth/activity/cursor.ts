import type { EventPosition } from '../../audit/audit.service';
import { bytesOfUuid, uuidOfBytes } from '../../common/crypto/uuid-bytes';

const ID = 16;
const MILLISECONDS = 6;

/** A place among the events as 30 characters of base64url. It holds no secret: whose events are read is not its matter. */
export function encodeCursor({ createdAt, id }: EventPosition): string {
  const time = Buffer.alloc(MILLISECONDS);
  time.writeUIntBE(createdAt.getTime(), 0, MILLISECONDS);
  return Buffer.concat([bytesOfUuid(id), time]).toString('base64url');
}

/** Null for what is no cursor. */
export function decodeCursor(cursor: string): EventPosition | null {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length !== ID + MILLISECONDS || bytes.toString('base64url') !== cursor) return null;
  return { id: uuidOfBytes(bytes), createdAt: new Date(bytes.readUIntBE(ID, MILLISECONDS)) };
}
