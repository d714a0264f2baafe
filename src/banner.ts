import { PROJECT } from './common/project';
import type { Config } from './config/config';

/** What a person wants to click after the start. */
export function banner({ http, mail, pages, isProduction }: Config, listeningAt: string): string {
  // With PORT=0 the system has chosen; a fixed port is reached by the public address.
  const base = http.port === 0 ? listeningAt : http.publicUrl;
  const lines = [
    ...(pages.areServed ? [['Pages', base]] : []),
    ['API', `${base}/api`],
    ['Swagger UI', `${base}/docs`],
    ['Health', `${base}/health`],
    ...(mail.smtpUrl ? [] : [['Mailbox', `${base}/dev/mailbox`]]),
  ];
  const table = lines.map(([name, url]) => `    ${name!.padEnd(12)}${url}`).join('\n');
  const hint = isProduction ? '' : '\n  Development mode: for this machine only.';
  return `\n  Gatehouse ${PROJECT.version} is ready at ${listeningAt}\n\n${table}\n${hint}\n\n`;
}
