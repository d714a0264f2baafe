/**
 * The closed list of security events, with the level at which each is logged: `info` is everyday life, `warn` is worth a
 * look when there is much of it, `error` is worth one at once. docs/logs.md explains each; a test holds it equal. What
 * changed anything is kept in `audit_events` under the same name as well.
 */
export const SECURITY_EVENTS = {
  'access.denied': 'warn',
  'account.concealed': 'info',
  'account.created': 'info',
  'account.deleted': 'info',
  'account.disabled': 'info',
  'account.enabled': 'info',
  'account.exported': 'info',
  'account.registered': 'info',
  'account.reported': 'error',
  'account.unverified_removed': 'info',
  'csrf.refused': 'warn',
  'email.change_requested': 'info',
  'email.changed': 'info',
  'email.restored': 'warn',
  'email.verified': 'info',
  'email.vouched_for': 'info',
  'link.refused': 'warn',
  'login.blocked': 'warn',
  'login.failed': 'warn',
  'login.succeeded': 'info',
  'mail.retried': 'info',
  'password.breach_found': 'warn',
  'password.changed': 'info',
  'password.refused': 'warn',
  'password.reset': 'info',
  'password.reset_requested': 'info',
  'password.set': 'info',
  'profile.updated': 'info',
  'rate.limited': 'warn',
  'refresh.reused': 'error',
  'registration.refused': 'warn',
  'session.revoked': 'info',
  'token.refreshed': 'info',
  'token.refused': 'warn',
} as const;

export type SecurityEvent = keyof typeof SECURITY_EVENTS;
