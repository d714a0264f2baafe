/** What a command ends with: those below 64 as is usual, the others after sysexits.h. docs/cli.md says the same. */
export const EXIT = {
  ok: 0,
  /** It was refused or failed; nothing was changed. */
  failure: 1,
  /** The command line is wrong; nothing was tried. */
  usage: 2,
  /** A check ran to its end and found problems. */
  problems: 3,
  /** A neighbour is away: PostgreSQL, the mail server. Worth trying again. */
  unavailable: 69,
  /** The settings, the role or the schema do not allow it: trying again changes nothing. */
  configuration: 78,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
