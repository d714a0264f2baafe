import { Injectable } from '@nestjs/common';
import { EXIT } from './exit-codes';
import { CliError, UsageError } from './cli-error';
import { readHidden } from './hidden-input';

/** Far above the longest password; what is longer was not meant to be one. */
const MOST_BYTES = 4_096;

/** The two streams of a command: results on stdout, everything else on stderr. */
@Injectable()
export class Terminal {
  /** Resolves when the text has been handed over, so that the process may end. */
  print(text: string): Promise<void> {
    return new Promise((resolve) => process.stdout.write(text, () => resolve()));
  }

  /** A line beside the result. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /**
   * A password from stdin or, hidden and twice, from the keyboard; never from the command line, which other users of
   * the machine can read and shells keep.
   *
   * @throws UsageError
   */
  async readPassword(isFromStdin: boolean): Promise<string> {
    if (isFromStdin) return readPiped();
    if (!process.stdin.isTTY)
      throw new UsageError('there is no terminal to ask for the password: pipe it and add --password-stdin');
    const password = await readHidden('Password: ');
    if (password === '') throw new UsageError('the password is empty');
    if ((await readHidden('Once more: ')) !== password)
      throw new CliError('the two differ: nothing was changed', EXIT.failure);
    return password;
  }

  /** @throws UsageError where nobody can be asked */
  async confirm(question: string, isGiven: boolean): Promise<void> {
    if (isGiven) return;
    if (!process.stdin.isTTY) throw new UsageError(`${question} Add --yes to say so.`);
    const answer = await readHidden(`${question} Type yes: `, { isShown: true });
    if (answer.trim().toLowerCase() !== 'yes') throw new CliError('nothing was changed', EXIT.failure);
  }
}

/** All of stdin but for one line break at its end, which `echo` adds. */
async function readPiped(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES)
      throw new UsageError(`--password-stdin takes a password, not more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  const password = decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  if (password === '') throw new UsageError('--password-stdin: stdin is empty');
  return password;
}

/** Another encoding would become replacement characters, and so another password than the one meant. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError('--password-stdin: stdin is not UTF-8');
  }
}
