import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { Transactions } from '../../database/transactions';
import { RevocationService } from '../../sessions/revocation.service';
import { UsersService } from '../../users/users.service';
import { CurrentPassword } from '../login/current-password';
import { PasswordVerifier } from '../login/password-verifier';
import { NoticesService } from '../notices/notices.service';
import { NewPasswords } from '../passwords/new-passwords';
import { OneTimeTokens } from '../tokens/one-time-tokens';

@Injectable()
export class PasswordChangeService {
  constructor(
    private readonly users: UsersService,
    private readonly currentPassword: CurrentPassword,
    private readonly passwords: PasswordVerifier,
    private readonly newPasswords: NewPasswords,
    private readonly oneTimeTokens: OneTimeTokens,
    private readonly revocation: RevocationService,
    private readonly notices: NoticesService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /**
   * Changes the password; every other session, every mailed link and a pending change of address end.
   *
   * @throws AppError `password_incorrect` | `validation_failed` for the field `newPassword`
   */
  async change(
    { userId, sessionId }: Principal,
    current: string,
    next: string,
    client: ClientInfo,
  ): Promise<void> {
    const user = await this.currentPassword.confirm(userId, current, client);
    const passwordHash = await this.newPasswords.hash(next, user, 'newPassword');
    await this.transactions.run(async (tx) => {
      // Of two changes at once, the second one's current password is no longer the current one.
      if (!(await this.passwords.isStillRight(user, tx))) throw new AppError('password_incorrect');
      await this.users.setPassword(userId, passwordHash, tx);
      await this.oneTimeTokens.voidAll(userId, tx);
      await this.revocation.revokeAllExcept(userId, sessionId, client, tx);
      await this.audit.record('password.changed', { userId, sessionId, client }, tx);
      await this.notices.tell('password-changed', user, client, {}, tx);
    });
  }
}
