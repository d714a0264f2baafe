import type { AuditService } from '../audit/audit.service';
import type { AccountAdministration } from './users/account-administration';
import type { LetterAdministration } from './mail/letter-administration';
import type { SessionAdministration } from './sessions/session-administration';

/** What commands act through. Types only: the code behind them is loaded when a command needs it. */
export interface Services {
  accounts: AccountAdministration;
  sessions: SessionAdministration;
  letters: LetterAdministration;
  audit: AuditService;
}
