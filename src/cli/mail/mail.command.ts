import { Command, Option, SubCommand } from 'nest-commander';
import { smtpFailureOf } from '../../mail/smtp-failure';
import { SmtpCheckService } from '../../mail/smtp-check.service';
import { AdminCommand, CommandGroup, type Answer, type CommonOptions } from '../admin-command';
import { CliError, UsageError } from '../cli-error';
import { EXIT } from '../exit-codes';
import { emailArgument, isId, wholeNumber } from '../option-values';
import { dateOf, table } from '../table';

const PAGE = 50;
const LONGEST_PAGE = 1_000;

@SubCommand({ name: 'parked', description: 'list the letters that were given up, the oldest first' })
export class MailParkedCommand extends AdminCommand {
  protected async answer(_: string[], { limit = PAGE }: CommonOptions & { limit?: number }): Promise<Answer> {
    const parked = await this.installation.withServices(({ letters }) => letters.parked(limit));
    const letters = parked.map(({ id, data, promisedAt, parkedAt, tries, reason }) => ({
      id,
      template: data.template,
      userId: data.userId,
      promisedAt: dateOf(promisedAt),
      parkedAt: parkedAt.toISOString(),
      tries,
      reason,
    }));
    return {
      json: { letters },
      text: table(
        ['ID', 'LETTER', 'USER', 'PROMISED', 'PARKED', 'TRIES', 'REASON'],
        letters.map(({ reason, ...letter }) => [...Object.values(letter), wordsOf(reason)]),
      ),
    };
  }

  @Option({
    flags: '--limit <number>',
    description: `how many at most, up to ${LONGEST_PAGE} (default: ${PAGE})`,
  })
  parseLimit(value: string): number {
    return wholeNumber(value, 1, LONGEST_PAGE);
  }
}

@SubCommand({
  name: 'retry',
  arguments: '[letter]',
  argsDescription: { letter: 'id of a parked letter' },
  description: 'put parked letters back into the queue: the servers send them',
})
export class MailRetryCommand extends AdminCommand {
  protected async answer(
    [letterId]: string[],
    { all = false }: CommonOptions & { all?: boolean },
  ): Promise<Answer> {
    if ((letterId !== undefined) === all)
      throw new UsageError('error: name a letter, as `gatehouse mail parked` shows it, or --all');
    if (letterId !== undefined && !isId(letterId))
      throw new UsageError(`error: 'letter' must be an id, as \`gatehouse mail parked\` shows it`);
    const retried = await this.installation.withServices(({ letters }) => letters.retry(letterId));
    if (retried === 0 && letterId !== undefined) throw new CliError('no letter of this id is parked');
    return {
      json: { retried },
      text: `${retried} ${retried === 1 ? 'letter' : 'letters'} to be sent again\n`,
    };
  }

  @Option({ flags: '--all', description: 'all of them' })
  parseAll(): boolean {
    return true;
  }
}

@SubCommand({
  name: 'test',
  arguments: '<email>',
  argsDescription: { email: 'where to send it' },
  description: 'send one letter at once, beside the queue, and say what the mail server answered',
})
export class MailTestCommand extends AdminCommand {
  protected async answer([address = '']: string[]): Promise<Answer> {
    const to = emailArgument(address);
    return this.installation.withSettings(async (config) => {
      const smtp = new SmtpCheckService(config);
      if (!smtp.isConfigured)
        throw new CliError(
          'SMTP_URL is not set: letters go to the mailbox of the running development server, /dev/mailbox',
          EXIT.configuration,
        );
      const answer = await smtp.sendTest(to).catch((error: unknown) => {
        throw refusal(error);
      });
      return { json: { to, answer }, text: `taken by the mail server: ${answer}\n` };
    });
  }
}

export const MAIL_COMMANDS = [MailParkedCommand, MailRetryCommand, MailTestCommand];

@Command({ name: 'mail', description: 'letters', subCommands: MAIL_COMMANDS })
export class MailCommand extends CommandGroup {}

/** Here the server's own words are what the operator wants; they go to the terminal and into no log. */
function refusal(error: unknown): CliError {
  const { isServerAway, smtpCode, code } = smtpFailureOf(error);
  const { response, message } = error as { response?: string; message: string };
  if (smtpCode === undefined)
    return new CliError(
      `the mail server cannot be reached: ${message} (${code})`,
      isServerAway ? EXIT.unavailable : EXIT.failure,
    );
  const exitCode = code === 'EAUTH' ? EXIT.configuration : smtpCode < 500 ? EXIT.unavailable : EXIT.failure;
  return new CliError(`the mail server refused: ${response ?? message} (${code})`, exitCode);
}

function wordsOf(reason: Record<string, unknown> | null): string {
  return Object.entries(reason ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}
