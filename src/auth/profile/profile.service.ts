import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { Transactions } from '../../database/transactions';
import type { UserView } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';

@Injectable()
export class ProfileService {
  constructor(
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** @throws AppError `not_found` where the account is gone */
  async read({ userId }: Principal): Promise<UserView> {
    const user = await this.users.view(userId);
    if (!user) throw new AppError('not_found');
    return user;
  }

  /** @param name null or blank removes it */
  async rename(principal: Principal, name: string | null, client: ClientInfo): Promise<UserView> {
    const { userId, sessionId } = principal;
    await this.transactions.run(async (tx) => {
      await this.users.rename(userId, name?.trim() || null, tx);
      await this.audit.record('profile.updated', { userId, sessionId, client }, tx);
    });
    return this.read(principal);
  }
}
