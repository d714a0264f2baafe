import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../common/errors/start-error';
import type { Config } from '../config/config';
import type { Brand } from './brand';
import { BUILD_FOLDER } from './folders';

/**
 * The one document of all pages; its script shows the page of the address. The same for everybody, whatever is in the
 * address or the cookies.
 *
 * @throws StartError where the pages have not been built
 */
export function pageDocument(brand: Brand, config: Config): string {
  const settings = JSON.stringify({
    brand: brand.name,
    logo: brand.logo.path,
    passwordPolicy: config.passwords.policy,
    hasMailbox: config.mail.smtpUrl === undefined,
  });
  const { stylesheet, logo } = brand;
  return fillIn(builtDocument(), {
    brand: brand.name,
    stylesheet: stylesheet.path,
    logo: logo.path,
    settings,
  });
}

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' };

/** Puts values where a file has `{{name}}`, escaped for HTML. */
export function fillIn(source: string, values: Record<string, string>): string {
  return source.replace(/{{(\w+)}}/g, (_place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`a page asks for ${name}, which it is not given`);
    return value.replace(/[&<>"']/g, (sign) => ESCAPES[sign as keyof typeof ESCAPES]);
  });
}

function builtDocument(): string {
  try {
    return readFileSync(join(BUILD_FOLDER, 'index.html'), 'utf8');
  } catch (error) {
    throw new StartError(
      'The pages are not built: run `npm run web:build`, or set WEB_PAGES=off to serve the API alone.',
      { cause: error },
    );
  }
}
