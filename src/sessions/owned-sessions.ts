import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { partOf } from '../database/rows';
import { User, VIEWED, viewOf, type UserView } from '../users/user.entity';
import { Session } from './session.entity';

export interface OwnedSession {
  session: Session;
  owner: UserView;
}

/** Sessions read together with their owners: where one is not known, the other seldom is, and one statement tells both. */
@Injectable()
export class OwnedSessions {
  /** What a statement on `sessions` and `users` has to select, or to return. */
  readonly columns: string;
  private readonly session;
  private readonly owner;

  constructor(dataSource: DataSource) {
    this.session = partOf(Session, 'all', dataSource);
    this.owner = partOf(User, VIEWED, dataSource);
    this.columns = `${this.session.text}, ${this.owner.text}`;
  }

  of(row: object): OwnedSession {
    return { session: this.session.of(row), owner: viewOf(this.owner.of(row)) };
  }
}
