import { bytesOfUuid, uuidOfBytes } from '../crypto/uuid-bytes';

const ID = 16;
const MILLISECONDS = 6;

/** A place in a list that is ordered by time and then id. */
export interface Position {
  createdAt: Date;
  id: string;
}

/** A place in such a list as 30 characters of base64url. It holds no secret: whose rows are read is not its matter. */
export function encodeCursor({ createdAt, id }: Position): string {
  const time = Buffer.alloc(MILLISECONDS);
  time.writeUIntBE(createdAt.getTime(), 0, MILLISECONDS);
  return Buffer.concat([bytesOfUuid(id), time]).toString('base64url');
}

/** Null for what is no cursor. */
export function decodeCursor(cursor: string): Position | null {
  const bytes = bytesOf(cursor, ID + MILLISECONDS);
  return bytes && { id: uuidOfBytes(bytes), createdAt: new Date(bytes.readUIntBE(ID, MILLISECONDS)) };
}

/** The same for a list that is ordered by id, in 22 characters. */
export function encodeIdCursor(id: string): string {
  return bytesOfUuid(id).toString('base64url');
}

/** Null for what is no cursor. */
export function decodeIdCursor(cursor: string): string | null {
  const bytes = bytesOf(cursor, ID);
  return bytes && uuidOfBytes(bytes);
}

/** Null unless it is the one spelling of so many bytes. */
function bytesOf(cursor: string, length: number): Buffer | null {
  const bytes = Buffer.from(cursor, 'base64url');
  return bytes.length === length && bytes.toString('base64url') === cursor ? bytes : null;
}
