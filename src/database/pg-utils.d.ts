/** A part of the driver that its types leave out. */
declare module 'pg/lib/utils' {
  /** As PostgreSQL reads it. @throws where an object cannot be written as JSON */
  export function prepareValue(value: unknown): Buffer | string | null;
}
