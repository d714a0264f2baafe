/** The closed list of what is recorded. `subject.happened`, in the past tense. */
export const AUDIT_ACTIONS = [
  'account.concealed',
  'account.deleted',
  'account.exported',
  'account.registered',
  'account.reported',
  'account.unverified_removed',
  'email.change_requested',
  'email.changed',
  'email.restored',
  'email.verified',
  'login.succeeded',
  'login.failed',
  'password.changed',
  'password.reset',
  'password.reset_requested',
  'profile.updated',
  'refresh.reused',
  'session.revoked',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];
