import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import type { ClientInfo } from '../../common/http/client-info';
import { Transactions } from '../../database/transactions';
import { MailService } from '../../mail/mail.service';
import { RevocationService } from '../../sessions/revocation.service';
import { UsersService } from '../../users/users.service';
import { failuresOfAddress, failuresOfConfirmation } from '../back-off/failure-ids';
import { LoginFailures } from '../back-off/login-failures';
import { CurrentPassword } from '../login/current-password';

@Injectable()
export class DeletionService {
  constructor(
    private readonly users: UsersService,
    private readonly currentPassword: CurrentPassword,
    private readonly failures: LoginFailures,
    private readonly revocation: RevocationService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Deletes the account and everything of it at once; its address can register anew. Of the past only audit events
   * stay, with the user's id and no other trace.
   *
   * @throws AppError `password_incorrect`
   */
  async delete({ userId, sessionId }: Principal, password: string, client: ClientInfo): Promise<void> {
    const { email } = await this.currentPassword.confirm(userId, password, client);
    await this.transactions.run(async (tx) => {
      // Holds the account: no login opens a session between the end of the others and the end of the account.
      await this.users.lockPassword(userId, tx);
      // Through the door first: replicas forget the sessions, whose rows then go with the account.
      await this.revocation.revokeAll(userId, client, tx);
      await this.audit.record('account.deleted', { userId, sessionId, client }, tx);
      await this.audit.anonymise(userId, tx);
      await this.mail.forget(userId, tx);
      await this.failures.clear([failuresOfAddress(email), failuresOfConfirmation(userId)], tx);
      await this.users.remove(userId, tx);
    });
  }
}
