import { parse } from 'bowser';

/** A name that people recognise their device by, such as "Firefox on Windows". It goes into letters: nothing in it can pass for a link. */
export function deviceName(userAgent: string | null): string {
  if (!userAgent) return UNKNOWN;
  const { browser, os } = parse(userAgent);
  if (browser.name && os.name) return harmless(`${browser.name} on ${os.name}`);
  // Programs call themselves like "curl/8.5.0".
  return harmless(browser.name || os.name || (userAgent.split('/')[0] ?? ''));
}

const UNKNOWN = 'Unknown device';

/** A client says of itself what it likes: mail programs make links even of bare host names. */
function harmless(name: string): string {
  return (
    name
      .replace(/[^\w -]/g, '')
      .slice(0, 60)
      .trim() || UNKNOWN
  );
}
