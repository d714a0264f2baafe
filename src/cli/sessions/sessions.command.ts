import { Command, Option, SubCommand } from 'nest-commander';
import { AdminCommand, CommandGroup, type Answer, type CommonOptions } from '../admin-command';
import { CliError, UsageError } from '../cli-error';
import { isId } from '../option-values';
import { table } from '../table';

@SubCommand({
  name: 'list',
  arguments: '<user>',
  argsDescription: { user: 'id or email address' },
  description: 'list the live sessions of an account, the latest used first',
})
export class SessionsListCommand extends AdminCommand {
  protected async answer([who = '']: string[]): Promise<Answer> {
    const { userId, live } = await this.installation.withServices(async ({ accounts, sessions }) => {
      const { id: userId } = await accounts.find(who);
      return { userId, live: await sessions.list(userId) };
    });
    const views = live.map((session) => ({
      id: session.id,
      transport: session.transport,
      createdAt: session.createdAt.toISOString(),
      lastUsedAt: session.lastUsedAt.toISOString(),
      expiresAt: session.expiresAt.toISOString(),
      ip: session.ip,
      userAgent: session.userAgent,
    }));
    return {
      json: { userId, sessions: views },
      text: table(
        ['ID', 'TRANSPORT', 'CREATED', 'LAST USED', 'EXPIRES', 'IP', 'USER AGENT'],
        views.map((view) => Object.values(view)),
      ),
    };
  }
}

interface RevokeOptions extends CommonOptions {
  user?: string;
  allUsers?: boolean;
  yes?: boolean;
}

@SubCommand({
  name: 'revoke',
  arguments: '[session]',
  argsDescription: { session: 'id of the session' },
  description: 'end a session, those of a user or all there are, on every replica at once',
})
export class SessionsRevokeCommand extends AdminCommand {
  protected async answer([sessionId]: string[], options: RevokeOptions): Promise<Answer> {
    const { user, allUsers = false, yes = false } = options;
    const given = [sessionId !== undefined, user !== undefined, allUsers].filter(Boolean).length;
    if (given !== 1) throw new UsageError(`error: name one of: a session, --user <user>, --all-users`);
    if (sessionId !== undefined && !isId(sessionId))
      throw new UsageError(`error: 'session' must be an id, as \`gatehouse sessions list\` shows it`);
    if (allUsers) await this.terminal.confirm('This logs everybody out.', yes);
    const revoked = await this.revoke(sessionId, user);
    return { json: { revoked }, text: `${revoked} ${revoked === 1 ? 'session' : 'sessions'} ended\n` };
  }

  @Option({ flags: '--user <user>', description: 'all sessions of this account, by id or email address' })
  parseUser(value: string): string {
    return value;
  }

  @Option({ flags: '--all-users', description: 'all sessions of everybody' })
  parseAllUsers(): boolean {
    return true;
  }

  @Option({ flags: '--yes', description: 'do not ask' })
  parseYes(): boolean {
    return true;
  }

  private revoke(sessionId?: string, user?: string): Promise<number> {
    return this.installation.withServices(async ({ accounts, sessions }) => {
      if (user !== undefined) return sessions.revokeOf((await accounts.find(user)).id);
      if (sessionId === undefined) return sessions.revokeEverybody();
      const revoked = await sessions.revoke(sessionId);
      if (revoked === undefined) throw new CliError('there is no such session');
      return revoked;
    });
  }
}

export const SESSIONS_COMMANDS = [SessionsListCommand, SessionsRevokeCommand];

@Command({ name: 'sessions', description: 'who is logged in, and where', subCommands: SESSIONS_COMMANDS })
export class SessionsCommand extends CommandGroup {}
