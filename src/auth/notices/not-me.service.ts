import { Injectable } from '@nestjs/common';
import { IsNull, MoreThan, type EntityManager } from 'typeorm';
import { AuditService } from '../../audit/audit.service';
import { Clock } from '../../common/clock';
import { AppError } from '../../common/errors/app-error';
import type { ErrorKey } from '../../common/errors/catalogue';
import type { ClientInfo } from '../../common/http/client-info';
import { Transactions } from '../../database/transactions';
import { MailService } from '../../mail/mail.service';
import { RevocationService } from '../../sessions/revocation.service';
import { UsersService } from '../../users/users.service';
import { OneTimeTokens } from '../tokens/one-time-tokens';
import { NoticeTokens } from './notice-tokens';
import { SecurityNotice } from './security-notice.entity';

@Injectable()
export class NotMeService {
  constructor(
    private readonly noticeTokens: NoticeTokens,
    private readonly oneTimeTokens: OneTimeTokens,
    private readonly users: UsersService,
    private readonly revocation: RevocationService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * "This was not me": ends every session, locks the password, gives up a pending change of address or takes a made one
   * back, and mails a link for a new password to the owner. Safe to repeat: a second click finds it done.
   *
   * @throws AppError `link_invalid` | `link_expired`
   */
  async report(token: string, client: ClientInfo): Promise<void> {
    const noticeId = this.noticeTokens.decode(token);
    if (!noticeId) throw new AppError('link_invalid');
    const refusal = await this.transactions.run((tx) => this.act(noticeId, client, tx));
    if (refusal) throw new AppError(refusal);
  }

  private async act(id: string, client: ClientInfo, tx: EntityManager): Promise<ErrorKey | undefined> {
    const now = this.clock.now();
    const { affected } = await tx.update(
      SecurityNotice,
      { id, usedAt: IsNull(), expiresAt: MoreThan(now) },
      { usedAt: now },
    );
    const notice = await tx.findOneBy(SecurityNotice, { id });
    if (!notice) return 'link_invalid';
    if (affected !== 1) return notice.usedAt ? undefined : 'link_expired';
    const { userId } = notice;
    // Somebody else may know the password. First of all, since it holds the account: a login that comes in between
    // finds it changed, and one that came before has its session ended. Gives a pending address up as well.
    await this.users.lockPassword(userId, tx);
    await this.revocation.revokeAll(userId, client, tx);
    await this.oneTimeTokens.voidAll(userId, tx);
    // Whatever the letter was about: the link for a new password must go to the address it went to.
    const user = await this.users.findById(userId, tx);
    if (user?.email !== notice.email && (await this.users.restoreEmail(userId, notice.email, tx)))
      await this.audit.record('email.restored', { userId, client }, tx);
    await this.audit.record('account.reported', { userId, client }, tx);
    await this.mail.enqueue('reset-password', userId, {}, tx);
    return undefined;
  }
}
