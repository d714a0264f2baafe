import { createInterface } from 'node:readline';
import { Writable, type Readable } from 'node:stream';
import { CliError } from './cli-error';
import { EXIT } from './exit-codes';

interface HiddenInputOptions {
  /** Show what is typed after all. */
  isShown?: boolean;
  input?: Readable;
  /** Where the question goes: not stdout, which is for results. */
  output?: Writable;
}

/**
 * Asks on the terminal and shows nothing of the answer.
 *
 * @throws CliError on Ctrl-C and Ctrl-D
 */
export function readHidden(
  question: string,
  { isShown = false, input = process.stdin, output = process.stderr }: HiddenInputOptions = {},
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // As a terminal: the line editor switches the terminal's own echo off, and works the backspace key.
  const lines = createInterface({
    input,
    output: isShown ? output : nowhere,
    terminal: true,
    historySize: 0,
    prompt: question,
  });
  if (isShown) lines.prompt();
  else output.write(question);
  return new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('SIGINT', () => reject(new CliError('interrupted', EXIT.interrupted)));
    lines.once('close', () => reject(new CliError('interrupted', EXIT.interrupted)));
  }).finally(() => {
    lines.close();
    if (!isShown) output.write('\n');
  });
}
