import { Option, SubCommand, type CommandMetadata } from 'nest-commander';
import type { User } from '../../users/user.entity';
import { AdminCommand, type Answer, type CommonOptions } from '../admin-command';
import type { Services } from '../services';

/** What is the same for every command that changes one account. */
const of = (name: string, description: string): CommandMetadata => ({
  name,
  description,
  arguments: '<user>',
  argsDescription: { user: 'id or email address' },
});

/** What has become of it, in words and for programs. */
interface Change {
  text: string;
  [fact: string]: unknown;
}

abstract class AccountCommand extends AdminCommand {
  /** Asked before anything is opened. */
  protected async prepare(_who: string, _options: CommonOptions): Promise<string> {
    return '';
  }

  protected abstract change(services: Services, user: User, prepared: string): Promise<Change>;

  protected async answer([who = '']: string[], options: CommonOptions): Promise<Answer> {
    const prepared = await this.prepare(who, options);
    return this.installation.withServices(async (services) => {
      const user = await services.accounts.find(who);
      const { text, ...outcome } = await this.change(services, user, prepared);
      const { id, email } = user;
      return { json: { id, email, ...outcome }, text: `${text}: ${id} (${email})\n` };
    });
  }
}

@SubCommand(of('disable', 'close an account and end its sessions at once'))
export class UsersDisableCommand extends AccountCommand {
  protected async change({ accounts }: Services, user: User): Promise<Change> {
    const ended = await accounts.disable(user);
    const isChanged = ended !== undefined;
    const text = isChanged ? `disabled, ${sessions(ended)} ended` : 'was disabled already';
    return { isActive: false, isChanged, endedSessions: ended ?? 0, text };
  }
}

@SubCommand(of('enable', 'open a disabled account again'))
export class UsersEnableCommand extends AccountCommand {
  protected async change({ accounts }: Services, user: User): Promise<Change> {
    const isChanged = await accounts.enable(user);
    return { isActive: true, isChanged, text: isChanged ? 'enabled' : 'was enabled already' };
  }
}

@SubCommand(of('verify', 'vouch for the address of an account'))
export class UsersVerifyCommand extends AccountCommand {
  protected async change({ accounts }: Services, user: User): Promise<Change> {
    const isChanged = await accounts.verify(user);
    return { isVerified: true, isChanged, text: isChanged ? 'verified' : 'was verified already' };
  }
}

@SubCommand(of('set-password', 'set a password; sessions and mailed links of the account end'))
export class UsersSetPasswordCommand extends AccountCommand {
  protected override prepare(
    _: string,
    options: CommonOptions & { passwordStdin?: boolean },
  ): Promise<string> {
    return this.terminal.readPassword(options.passwordStdin ?? false);
  }

  protected async change({ accounts }: Services, user: User, password: string): Promise<Change> {
    const ended = await accounts.setPassword(user, password);
    return { endedSessions: ended, text: `password set, ${sessions(ended)} ended` };
  }

  @Option({ flags: '--password-stdin', description: 'read the password from stdin instead of asking for it' })
  parsePasswordStdin(): boolean {
    return true;
  }
}

@SubCommand(of('delete', 'delete an account with everything of it, for good'))
export class UsersDeleteCommand extends AccountCommand {
  protected override async prepare(
    who: string,
    { yes = false }: CommonOptions & { yes?: boolean },
  ): Promise<string> {
    await this.terminal.confirm(`This deletes the account ${who} for good.`, yes);
    return '';
  }

  protected async change({ accounts }: Services, user: User): Promise<Change> {
    await accounts.delete(user);
    return { isDeleted: true, text: 'deleted' };
  }

  @Option({ flags: '--yes', description: 'do not ask' })
  parseYes(): boolean {
    return true;
  }
}

function sessions(count: number): string {
  return `${count} ${count === 1 ? 'session' : 'sessions'}`;
}
