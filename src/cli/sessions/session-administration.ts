import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transactions';
import { RevocationService } from '../../sessions/revocation.service';
import type { Session } from '../../sessions/session.entity';
import { SessionsService } from '../../sessions/sessions.service';

/** Sessions that end in one transaction: each is announced and recorded in it. */
const STEP = 500;

/** What an operator does to sessions; replicas learn of it as they do of a logout. */
@Injectable()
export class SessionAdministration {
  constructor(
    private readonly sessions: SessionsService,
    private readonly revocation: RevocationService,
    private readonly transactions: Transactions,
  ) {}

  /** The live ones, the latest used first. */
  list(userId: string): Promise<Session[]> {
    return this.sessions.listLive(userId);
  }

  /** Returns how many ended: 0 where it was over already, undefined where none of this id is known. */
  async revoke(sessionId: string): Promise<number | undefined> {
    const session = await this.sessions.findById(sessionId);
    if (!session) return undefined;
    const isEnded = await this.transactions.run((tx) =>
      this.revocation.revokeOne(session.userId, sessionId, undefined, tx),
    );
    return isEnded ? 1 : 0;
  }

  revokeOf(userId: string): Promise<number> {
    return this.transactions.run((tx) => this.revocation.revokeAll(userId, undefined, tx));
  }

  /** Every session of everybody, step by step. */
  async revokeEverybody(): Promise<number> {
    let ended = 0;
    for (let step = STEP; step === STEP; ended += step)
      step = await this.transactions.run((tx) => this.revocation.revokeSome(STEP, tx));
    return ended;
  }
}
