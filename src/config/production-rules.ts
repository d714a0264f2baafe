import type { Env } from './env';
import { LINK_NAMES } from './page-env';

/**
 * What production refuses: everything that is embedded, generated or unencrypted for a newcomer's sake.
 * Returns one sentence for each mistake.
 */
export function productionMistakes(env: Env): string[] {
  const required = [
    ['DATABASE_URL', 'the embedded PostgreSQL is for development only'],
    ['JWT_SECRET', 'generated secrets are for development only'],
    ['PUBLIC_URL', 'mailed links are built from it'],
    ['SMTP_URL', 'the development mailbox is for development only'],
  ] as const;
  const mistakes = required
    .filter(([name]) => !env[name])
    .map(([name, why]) => `${name} must be set in production: ${why}`);
  if (env.PUBLIC_URL && !env.PUBLIC_URL.startsWith('https://'))
    mistakes.push('PUBLIC_URL must be an https URL in production');
  for (const name of LINK_NAMES)
    if (env[name] && !env[name].startsWith('https://'))
      mistakes.push(`${name} must be an https URL in production: a token travels there`);
  if (env.MAIL_FROM.includes('@localhost.localdomain'))
    mistakes.push('MAIL_FROM must be set in production: letters need a real sender');
  if (env.BCRYPT_COST < 10) mistakes.push('BCRYPT_COST must be at least 10 in production');
  if (env.RATE_LIMITS === 'off') mistakes.push('RATE_LIMITS must be on in production');
  return mistakes;
}
