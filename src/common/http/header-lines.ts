/**
 * How many lines of a request have this name. Node keeps one of several, or joins them, as it sees fit for the name.
 *
 * @param name in lower case
 */
export function headerLines(rawHeaders: string[], name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.length === name.length && rawHeaders[at]!.toLowerCase() === name) count++;
  return count;
}
