import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../common/access/principal';
import { Clock } from '../../common/clock';
import { AppError } from '../../common/errors/app-error';
import type { ClientInfo } from '../../common/http/client-info';
import { Transactions } from '../../database/transactions';
import { SessionsService } from '../../sessions/sessions.service';
import { TasksService } from '../../tasks/tasks.service';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { NoticesService } from '../notices/notices.service';

@Injectable()
export class ExportService {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly notices: NoticesService,
    private readonly tasks: TasksService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * All that is stored about the user, as one JSON document in pieces: however long the history, a page of it is in
   * memory at a time. Secrets are left out; a hash of them is of no use to the user.
   */
  async export({ userId, sessionId }: Principal, client: ClientInfo): Promise<AsyncGenerator<string>> {
    const user = await this.users.findById(userId);
    if (!user) throw new AppError('not_found');
    await this.transactions.run((tx) =>
      this.audit.record('account.exported', { userId, sessionId, client }, tx),
    );
    return this.document(user);
  }

  private async *document(user: User): AsyncGenerator<string> {
    const { passwordHash: _secret, ...account } = user;
    yield `{"exportedAt":${JSON.stringify(this.clock.now())},"account":${JSON.stringify(account)},"sessions":`;
    const sessions = await this.sessions.listAll(user.id);
    yield JSON.stringify(sessions.map(({ secretHash: _hash, ...session }) => session));
    yield `,"securityNotices":${JSON.stringify(await this.notices.list(user.id))},"tasks":[`;
    yield* listOf(this.tasks.pagesOf(user.id));
    yield '],"securityEvents":[';
    yield* listOf(this.audit.pagesOf(user.id));
    yield ']}';
  }
}

/** The items of all pages as JSON, with commas between them. */
async function* listOf(pages: AsyncIterable<object[]>): AsyncGenerator<string> {
  let isFirst = true;
  for await (const page of pages) {
    const items = page.map((item) => JSON.stringify(item)).join(',');
    yield isFirst ? items : `,${items}`;
    isFirst = false;
  }
}
