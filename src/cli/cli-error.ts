import { EXIT, type ExitCode } from './exit-codes';

/** Ends the command with a sentence for the operator, which holds no secret. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.failure,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CliError';
  }
}

/** The command line is wrong. The message names the argument or the option. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(message, EXIT.usage);
    this.name = 'UsageError';
  }
}

/** The value of an option is wrong: the command line's parser names the option before this sentence. */
export class OptionError extends UsageError {
  readonly code = 'commander.invalidArgument';
}
