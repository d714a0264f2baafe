import { Option, SubCommand } from 'nest-commander';
import { AdminCommand, type Answer, type CommonOptions } from '../admin-command';
import { id, line, wholeNumber } from '../option-values';
import { dateOf, facts, table } from '../table';
import { accountOf } from './account-view';

const PAGE = 50;
const LONGEST_PAGE = 1_000;

interface ListOptions extends CommonOptions {
  limit: number;
  after?: string;
  search?: string;
}

@SubCommand({ name: 'list', description: 'list accounts, the oldest first' })
export class UsersListCommand extends AdminCommand {
  protected async answer(_: string[], { limit = PAGE, after, search }: ListOptions): Promise<Answer> {
    const users = await this.installation.withServices(({ accounts }) =>
      accounts.list({ limit, after, search }),
    );
    const next = users.length === limit ? users.at(-1)!.id : null;
    const rows = users.map((user) => [
      user.id,
      user.email,
      user.isActive ? 'active' : 'disabled',
      user.emailVerifiedAt ? 'verified' : 'unverified',
      user.createdAt.toISOString(),
      user.name,
    ]);
    if (next) this.terminal.note(`More may follow: --after ${next}`);
    return {
      json: { users: users.map(accountOf), next },
      text: table(['ID', 'EMAIL', 'STATE', 'ADDRESS', 'CREATED', 'NAME'], rows),
    };
  }

  @Option({
    flags: '--limit <number>',
    description: `how many at most, up to ${LONGEST_PAGE} (default: ${PAGE})`,
  })
  parseLimit(value: string): number {
    return wholeNumber(value, 1, LONGEST_PAGE);
  }

  @Option({ flags: '--after <id>', description: 'go on after this account' })
  parseAfter(value: string): string {
    return id(value);
  }

  @Option({ flags: '--search <text>', description: 'only those with this in their address or name' })
  parseSearch(value: string): string {
    return line(value, 254);
  }
}

@SubCommand({
  name: 'show',
  arguments: '<user>',
  argsDescription: { user: 'id or email address' },
  description: 'show one account and what keeps its owner from logging in',
})
export class UsersShowCommand extends AdminCommand {
  protected async answer([who = '']: string[]): Promise<Answer> {
    const { user, liveSessions, lastUsedAt, loginBlockedFor } = await this.installation.withServices(
      async ({ accounts }) => accounts.stateOf(await accounts.find(who)),
    );
    const { isActive, ...account } = accountOf(user);
    const state = { liveSessions, lastUsedAt: dateOf(lastUsedAt), loginBlockedForSeconds: loginBlockedFor };
    return { json: { ...account, isActive, ...state }, text: facts({ ...account, isActive, ...state }) };
  }
}
