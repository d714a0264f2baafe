import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { IsText, isLinkUrl } from './env-rules';

const LINK_FORM = 'an absolute http(s) URL without credentials and fragment: the token becomes its fragment';
const LOGO_BYTES = 200_000;

/** The part of the environment that is about pages for people, and where letters lead. */
export class PageEnv {
  @IsIn(['on', 'off'], { message: 'on or off' })
  WEB_PAGES: 'on' | 'off' = 'on';

  @IsOptional()
  @IsText(isLinkUrl, { message: LINK_FORM })
  VERIFY_URL?: string;

  @IsOptional()
  @IsText(isLinkUrl, { message: LINK_FORM })
  CONFIRM_EMAIL_URL?: string;

  @IsOptional()
  @IsText(isLinkUrl, { message: LINK_FORM })
  RESET_URL?: string;

  @IsOptional()
  @IsText(isLinkUrl, { message: LINK_FORM })
  NOT_ME_URL?: string;

  @IsOptional()
  @Matches(/^[^\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]{1,60}$/u, {
    message: 'plain text of at most 60 characters',
  })
  BRAND_NAME?: string;

  @IsOptional()
  @Matches(/^#[\da-f]{6}$/i, { message: 'a colour of six hexadecimal digits such as #2f56d9' })
  BRAND_ACCENT?: string;

  @IsOptional()
  @IsText(isLogo, { message: 'the path of a readable .svg or .png file of at most 200 kB' })
  BRAND_LOGO?: string;
}

/** Names of all links in letters. */
export const LINK_NAMES = ['VERIFY_URL', 'CONFIRM_EMAIL_URL', 'RESET_URL', 'NOT_ME_URL'] as const;

export const PAGE_ENV_NAMES = [
  'WEB_PAGES',
  ...LINK_NAMES,
  'BRAND_NAME',
  'BRAND_ACCENT',
  'BRAND_LOGO',
] as const satisfies readonly (keyof PageEnv)[];

/** A letter whose link leads to a page that is not there is worse than no start. */
export function pageMistakes(env: PageEnv): string[] {
  if (env.WEB_PAGES !== 'off') return [];
  return LINK_NAMES.filter((name) => env[name] === undefined).map(
    (name) => `${name} must be set where WEB_PAGES is off: letters lead there`,
  );
}

function isLogo(path: string): boolean {
  try {
    return ['.svg', '.png'].includes(extname(path).toLowerCase()) && readFileSync(path).length <= LOGO_BYTES;
  } catch {
    return false;
  }
}
