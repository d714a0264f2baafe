import { Inject } from '@nestjs/common';
import { CommandRunner, Option } from 'nest-commander';
import { UsageError } from './cli-error';
import { EXIT, type ExitCode } from './exit-codes';
import { Installation } from './installation';
import { Terminal } from './terminal';

/** The parser's object of one command. */
export type Parser = Parameters<CommandRunner['setCommand']>[0];

/** What a command has to say, in both forms. */
export interface Answer {
  /** For programs: the only thing on stdout under `--json`. */
  json: object;
  /** For people; ends with a line break. */
  text: string;
  /** Other than 0 where a check has found something. */
  exitCode?: ExitCode;
}

export interface CommonOptions {
  json?: boolean;
}

/** A command of the CLI: parses strictly, answers as text or as one JSON document. */
export abstract class AdminCommand extends CommandRunner {
  // Not by the constructor, which every command would have to repeat.
  @Inject(Terminal) protected readonly terminal: Terminal;
  @Inject(Installation) protected readonly installation: Installation;

  protected abstract answer(args: string[], options: CommonOptions): Promise<Answer>;

  override setCommand(command: Parser): this {
    return super.setCommand(strict(command));
  }

  override async run(args: string[], options: CommonOptions): Promise<void> {
    const { json, text, exitCode = EXIT.ok } = await this.answer(args, options);
    await this.terminal.print(options.json ? `${JSON.stringify(json, null, 2)}\n` : text);
    process.exitCode = exitCode;
  }

  @Option({ flags: '--json', description: 'print one JSON document for programs' })
  parseJson(): boolean {
    return true;
  }
}

/** A word before the commands proper, such as `users`. */
export abstract class CommandGroup extends CommandRunner {
  override setCommand(command: Parser): this {
    // What belongs to none of the subcommands arrives in `run`, which can say it better.
    return super.setCommand(strict(command).allowExcessArguments(true).allowUnknownOption(true));
  }

  override async run([unknown]: string[]): Promise<void> {
    const name = `gatehouse ${this.command.name()}`;
    if (unknown !== undefined)
      throw new UsageError(`error: ${name} has no command '${unknown}'; see ${name} --help`);
    this.command.outputHelp({ error: true });
    throw new UsageError('');
  }
}

/** Mistakes are thrown instead of ending the process, and nothing on the command line is passed over. */
function strict(command: Parser): Parser {
  return command
    .exitOverride((error) => {
      throw error;
    })
    .allowExcessArguments(false)
    .showHelpAfterError('(--help shows how it is used)');
}
