import { createHash } from 'node:crypto';
import { PROJECT } from '../../common/project';

/** Digits of the SHA-1 that are sent; the other 35 are looked for in the answer. */
const PREFIX_LENGTH = 5;
/** Milliseconds from the question to the last byte of the answer. */
const TIMEOUT_MS = 1_000;
/** Bytes after decompression. An answer of the public service has some 40,000. */
const MAX_BYTES = 1_000_000;

const LINE = /^[\dA-F]{35}:\d+$/i;

/** Why a range could not be read. Its message is ours and quotes nothing. */
export class RangeApiError extends Error {
  override readonly name = 'RangeApiError';
}

/**
 * Looks a password up in a range API of breached ones, the form of "Pwned Passwords" and its mirrors: only the first five
 * digits of the password's SHA-1 are sent, some thousand hashes that begin with them come back, and which of those it is
 * stays here (k-anonymity). Padding keeps the size of the answer from telling what was asked.
 *
 * @param url to which the five digits are added
 * @param password in the form that is hashed (NFC); its SHA-1 is that of the UTF-8
 * @throws RangeApiError for any answer but 200, a redirect among them, for one of another form and for one too long
 * @throws Error after a second, or as `fetch` does
 */
export async function isInRange(url: string, password: string): Promise<boolean> {
  const digest = createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase();
  const lines = await linesOf(url + digest.slice(0, PREFIX_LENGTH));
  if (!lines.every((line) => LINE.test(line))) throw new RangeApiError('the answer has another form');
  const suffix = digest.slice(PREFIX_LENGTH);
  // What was seen no time at all is padding.
  return lines.some((line) => line.toUpperCase().startsWith(suffix) && !/:0+$/.test(line));
}

async function linesOf(url: string): Promise<string[]> {
  const response = await fetch(url, {
    headers: { 'Add-Padding': 'true', 'User-Agent': PROJECT.name },
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new RangeApiError(`the answer is ${response.status}`);
  }
  return (await textOf(response)).split(/\r?\n/).filter((line) => line !== '');
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop ends the connection: what is too long is not read to its end.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new RangeApiError('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}
