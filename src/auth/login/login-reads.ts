import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '../../common/clock';
import { canonicalEmail } from '../../common/validation/email-address';
import { partOf, placesFrom, readRows, type Part } from '../../database/rows';
import { User } from '../../users/user.entity';
import { Blocks } from '../back-off/login-failures';

interface Row {
  blocked: Buffer[];
  /** In the order of `blocked`. A block for good ends at Infinity. */
  until: (Date | number)[];
  /** Null where there is no account. */
  'users.id': string | null;
}

/** What a login is judged by, read by one statement: a repository and a count would ask twice, on two connections. */
@Injectable()
export class LoginReads {
  private readonly user: Part<User>;
  /** By how many `failures` they ask for: 1, and 1 more for each account that knows the browser, and for its session; 7 at most. */
  private readonly texts: string[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {
    this.user = partOf(User, 'all', dataSource);
  }

  /**
   * @param email normalised, in any letter case
   * @param failures what the login may come to be counted under, one at least
   */
  async read(email: string, failures: Buffer[]): Promise<{ user: User | null; blocks: Blocks }> {
    const now = this.clock.now();
    const text = (this.texts[failures.length] ??= this.textFor(failures.length));
    const values = [canonicalEmail(email), now, ...failures];
    const [row] = await readRows<Row>(text, values, this.dataSource.manager);
    const { blocked, until } = row!;
    const rows = blocked.map((id, at) => ({ id, blockedUntil: until[at]! }));
    return {
      user: row!['users.id'] === null ? null : this.user.of(row!),
      blocks: new Blocks(rows, now.getTime()),
    };
  }

  private textFor(failures: number): string {
    return `SELECT ${this.user.text}, blocks.* FROM (
        SELECT coalesce(array_agg(id), '{}') AS blocked, coalesce(array_agg(blocked_until), '{}') AS until
        FROM login_failures WHERE id IN ${placesFrom(3, failures)} AND blocked_until > $2) AS blocks
      LEFT JOIN users ON email_canonical = $1`;
  }
}
