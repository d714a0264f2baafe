import { Logger } from '@nestjs/common';
import { SECURITY_EVENTS, type SecurityEvent } from './security-events';

/** Who, from where, in which request; never an address of mail, a password or a token. */
export interface SecurityDetails {
  userId?: string | null;
  sessionId?: string | null;
  ip?: string;
  requestId?: string;
  /** Route as a pattern. */
  route?: string;
  /** Code of the error that the caller got. */
  reason?: string;
  /** Of a rate limit: which one, whose, and how many like this were not logged. */
  budget?: string;
  scope?: string;
  suppressed?: number;
}

const logger = new Logger('Security');

/** Writes one line for a security event, at the level of the list. */
export function logSecurityEvent(event: SecurityEvent, details: SecurityDetails): void {
  const line = { event, category: 'security', ...details, msg: event };
  const level = SECURITY_EVENTS[event];
  if (level === 'info') logger.log(line);
  else logger[level](line);
}
