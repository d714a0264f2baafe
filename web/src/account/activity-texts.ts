const TEXTS: Record<string, string> = {
  'account.created': 'Account created',
  'account.disabled': 'Account disabled',
  'account.enabled': 'Account enabled again',
  'account.exported': 'Data downloaded',
  'account.registered': 'Account created',
  'account.reported': '“This was not me” used: account secured',
  'email.change_requested': 'Change of email address asked for',
  'email.changed': 'Email address changed',
  'email.restored': 'Change of email address taken back',
  'email.verified': 'Email address verified',
  'email.vouched_for': 'Email address verified by the people who run this service',
  'login.blocked': 'Sign-in held back after wrong passwords',
  'login.failed': 'Sign-in failed',
  'login.succeeded': 'Signed in',
  'password.breach_found': 'Password found in a data breach',
  'password.changed': 'Password changed',
  'password.reset': 'Password reset by a mailed link',
  'password.reset_requested': 'New password asked for',
  'password.set': 'Password set by the people who run this service',
  'profile.updated': 'Profile changed',
  'refresh.reused': 'Session ended: a copy of its key was used',
  'session.revoked': 'Signed out',
};

/** What happened, in words; new kinds of events may come at any time. */
export function activityText(action: string): string {
  const text = TEXTS[action];
  if (text) return text;
  const words = action.replace(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
