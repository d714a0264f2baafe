import { Injectable } from '@nestjs/common';
import type { Principal } from '../../common/access/principal';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { Transactions } from '../../database/transactions';
import { RevocationService } from '../../sessions/revocation.service';
import type { Session } from '../../sessions/session.entity';
import { SessionsService } from '../../sessions/sessions.service';

@Injectable()
export class DevicesService {
  constructor(
    private readonly sessions: SessionsService,
    private readonly revocation: RevocationService,
    private readonly transactions: Transactions,
  ) {}

  list({ userId }: Principal): Promise<Session[]> {
    return this.sessions.listLive(userId);
  }

  /** @throws AppError `not_found`, for a session of somebody else too: whether it exists is none of their business */
  async end({ userId }: Principal, sessionId: string, client: ClientInfo): Promise<void> {
    const isEnded = await this.transactions.run((tx) =>
      this.revocation.revokeOne(userId, sessionId, client, tx),
    );
    if (!isEnded) throw new AppError('not_found');
  }

  /** Returns how many sessions were ended. */
  endAll({ userId }: Principal, client: ClientInfo): Promise<number> {
    return this.transactions.run((tx) => this.revocation.revokeAll(userId, client, tx));
  }

  endOthers({ userId, sessionId }: Principal, client: ClientInfo): Promise<number> {
    return this.transactions.run((tx) => this.revocation.revokeAllExcept(userId, sessionId, client, tx));
  }
}
