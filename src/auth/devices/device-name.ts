import { parse } from 'bowser';

/** A name that people recognise their device by, such as "Firefox on Windows". */
export function deviceName(userAgent: string | null): string {
  if (!userAgent) return 'Unknown device';
  const { browser, os } = parse(userAgent);
  if (browser.name && os.name) return `${browser.name} on ${os.name}`;
  // Programs call themselves like "curl/8.5.0".
  return browser.name || os.name || /^[\w.-]{1,40}/.exec(userAgent)?.[0] || 'Unknown device';
}
