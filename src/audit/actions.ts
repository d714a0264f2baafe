/** The closed list of what is recorded. `subject.happened`, in the past tense. */
export const AUDIT_ACTIONS = [
  'account.registered',
  'account.unverified_removed',
  'email.verified',
  'login.succeeded',
  'login.failed',
  'profile.updated',
  'refresh.reused',
  'session.revoked',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];
