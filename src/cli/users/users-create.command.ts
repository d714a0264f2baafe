import { Option, SubCommand } from 'nest-commander';
import { AdminCommand, type Answer, type CommonOptions } from '../admin-command';
import { emailArgument, line } from '../option-values';
import { accountOf } from './account-view';

interface CreateOptions extends CommonOptions {
  name?: string;
  verified?: boolean;
  passwordStdin?: boolean;
}

@SubCommand({
  name: 'create',
  arguments: '<email>',
  argsDescription: { email: 'address of the account' },
  description: 'make an account; its owner gets the letter that verifies the address',
})
export class UsersCreateCommand extends AdminCommand {
  protected async answer([address = '']: string[], options: CreateOptions): Promise<Answer> {
    const email = emailArgument(address);
    const { name = null, verified: isVerified = false, passwordStdin = false } = options;
    const password = await this.terminal.readPassword(passwordStdin);
    const user = await this.installation.withServices(({ accounts }) =>
      accounts.create({ email, name, password, isVerified }),
    );
    const how = user.emailVerifiedAt ? 'verified' : 'a letter is on its way';
    return { json: accountOf(user), text: `created ${user.id} (${user.email}, ${how})\n` };
  }

  @Option({ flags: '--name <name>', description: 'name of the owner' })
  parseName(value: string): string {
    return line(value, 100);
  }

  @Option({ flags: '--verified', description: 'vouch for the address: no letter is sent' })
  parseVerified(): boolean {
    return true;
  }

  @Option({ flags: '--password-stdin', description: 'read the password from stdin instead of asking for it' })
  parsePasswordStdin(): boolean {
    return true;
  }
}
