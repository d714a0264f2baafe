/** Rows at full size. A smaller database has fewer users, and as much of everything for each of them. */
const FULL = {
  users: 1_000_000,
  sessions: 10_000_000,
  verification_tokens: 7_000_000,
  reset_tokens: 3_000_000,
  audit_events: 10_000_000,
  tasks: 1_000_000,
  login_failures: 100_000,
  security_notices: 100_000,
};

export const TABLES = [...Object.keys(FULL), 'audit_links'];

/** What a database of so many users holds, by table. */
export function rowsFor(users) {
  return Object.fromEntries(
    Object.entries(FULL).map(([table, rows]) => [
      table,
      Math.max(1, Math.round((rows * users) / FULL.users)),
    ]),
  );
}

/** Of every session. */
export const SECRET = Buffer.alloc(32, 7);

export const emailOf = (number) => `person${number}@example.org`;
