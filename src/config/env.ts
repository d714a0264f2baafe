import { IsIn, IsInt, IsOptional, Matches, Max, Min, validateSync } from 'class-validator';
import { plainToInstance, Transform } from 'class-transformer';
import { StartError } from '../common/errors/start-error';
import {
  isCidrOrHops,
  isMailbox,
  isOriginList,
  isPemList,
  isRangeUrl,
  isSecretList,
  isToken,
  kindOfKey,
  pemBlocks,
  IsText,
  isUrl,
} from './env-rules';
import { PAGE_ENV_NAMES, PageEnv, pageMistakes } from './page-env';
import { productionMistakes } from './production-rules';

const DURATION = /^[1-9]\d{0,8}(s|m|h|d)$/;
const DURATION_FORM = 'a duration such as 30s, 15m, 12h or 7d';

const ToInteger = () =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  );

/**
 * The whole environment of the service, as strings the operator writes. This class is the only reader of
 * `process.env`; `docs/configuration.md` and `.env.example` list the same names (a test holds them equal).
 * Every `message` completes the sentence "NAME must be …" and never repeats the value.
 */
export class Env extends PageEnv {
  @IsIn(['development', 'test', 'production'], { message: 'development, test or production' })
  NODE_ENV: 'development' | 'test' | 'production' = 'development';

  @ToInteger()
  @IsInt({ message: 'a port number from 0 to 65535' })
  @Min(0, { message: 'a port number from 0 to 65535' })
  @Max(65535, { message: 'a port number from 0 to 65535' })
  PORT: number = 3000;

  @IsOptional()
  @Matches(/^[\w.:-]{1,253}$/, { message: 'a host name or an IP address to listen on' })
  HOST?: string;

  @IsOptional()
  @IsText(isUrl('http', 'https'), { message: 'an absolute http(s) URL without path, query or credentials' })
  PUBLIC_URL?: string;

  @IsText(isCidrOrHops, {
    message: 'off, a hop count from 1 to 32, or a comma-separated list of IPs and CIDRs',
  })
  TRUST_PROXY: string = 'off';

  @IsOptional()
  @IsText(isOriginList, {
    message: 'a comma-separated list of exact origins such as https://app.example.org',
  })
  CORS_ORIGINS?: string;

  @IsOptional()
  @IsText(isUrl('postgres', 'postgresql'), { message: 'a postgres:// URL' })
  DATABASE_URL?: string;

  @ToInteger()
  @IsInt({ message: 'a whole number from 2 to 500' })
  @Min(2, { message: 'a whole number from 2 to 500' })
  @Max(500, { message: 'a whole number from 2 to 500' })
  DATABASE_POOL_MAX: number = 10;

  @IsOptional()
  @IsText(isUrl('postgres', 'postgresql'), { message: 'a postgres:// URL' })
  DATABASE_DIRECT_URL?: string;

  @IsOptional()
  @IsText(isUrl('redis', 'rediss'), { message: 'a redis:// or rediss:// URL' })
  REDIS_URL?: string;

  @IsOptional()
  @IsText(isUrl('smtp', 'smtps'), { message: 'an smtp:// or smtps:// URL' })
  SMTP_URL?: string;

  @IsText(isMailbox, { message: 'an address, alone or as Name <address>' })
  MAIL_FROM: string = 'Gatehouse <gatehouse@localhost.localdomain>';

  @IsOptional()
  @IsText(isSecretList, {
    message: 'a comma-separated list of secrets of 32 bytes or more, none of them guessable',
  })
  JWT_SECRET?: string;

  @IsIn(['HS256', 'RS256', 'ES256'], { message: 'HS256, RS256 or ES256' })
  JWT_ALGORITHM: 'HS256' | 'RS256' | 'ES256' = 'HS256';

  @IsOptional()
  @IsText(isPemList, {
    message: 'PEM private keys one after another, each RSA of 2048 bits or more or P-256',
  })
  JWT_PRIVATE_KEYS?: string;

  @Matches(DURATION, { message: `${DURATION_FORM}, at most 24h` })
  ACCESS_TOKEN_TTL: string = '15m';

  @Matches(DURATION, { message: DURATION_FORM })
  SESSION_TTL: string = '7d';

  @Matches(DURATION, { message: DURATION_FORM })
  SESSION_MAX_TTL: string = '30d';

  @IsIn(['required', 'off'], { message: 'required or off' })
  EMAIL_VERIFICATION: 'required' | 'off' = 'required';

  @IsIn(['true', 'false'], { message: 'true or false' })
  CONCEAL_ACCOUNTS: 'true' | 'false' = 'false';

  @IsIn(['on', 'off'], { message: 'on or off' })
  SECURITY_NOTICES: 'on' | 'off' = 'on';

  @IsIn(['composition', 'nist'], { message: 'composition or nist' })
  PASSWORD_POLICY: 'composition' | 'nist' = 'composition';

  @ToInteger()
  @IsInt({ message: 'a whole number from 4 to 16' })
  @Min(4, { message: 'a whole number from 4 to 16' })
  @Max(16, { message: 'a whole number from 4 to 16' })
  BCRYPT_COST: number = 12;

  @IsOptional()
  @IsText(isSecretList, {
    message: 'a comma-separated list of peppers of 32 bytes or more, none of them guessable',
  })
  PASSWORD_PEPPER?: string;

  @ToInteger()
  @IsInt({ message: 'a whole number of tries from 300 to 100000' })
  @Min(300, { message: 'a whole number of tries from 300 to 100000' })
  @Max(100_000, { message: 'a whole number of tries from 300 to 100000' })
  MAIL_RETRY_LIMIT: number = 1000;

  @Matches(/^(on|off|[1-9]\d{0,3})$/, { message: 'on, off, or a factor from 1 to 9999' })
  RATE_LIMITS: string = 'on';

  @IsOptional()
  @IsText(isRangeUrl, { message: 'an https URL that ends in / and takes five hexadecimal digits after it' })
  PASSWORD_BREACH_URL?: string;

  @ToInteger()
  @IsOptional()
  @IsInt({ message: 'a port number from 0 to 65535' })
  @Min(0, { message: 'a port number from 0 to 65535' })
  @Max(65535, { message: 'a port number from 0 to 65535' })
  METRICS_PORT?: number;

  @IsOptional()
  @IsText(isToken, { message: '32 or more letters, digits, - . _ ~ + / =, not guessable' })
  METRICS_TOKEN?: string;

  @Matches(/^[1-5]?\ds$/, { message: 'a duration from 0s to 59s' })
  SHUTDOWN_DELAY: string = '5s';

  @Matches(DURATION, { message: DURATION_FORM })
  AUDIT_RETENTION: string = '400d';

  @IsOptional()
  @IsText(isSecretList, {
    message: 'a comma-separated list of secrets of 32 bytes or more, none of them guessable',
  })
  AUDIT_SECRET?: string;

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    message: 'fatal, error, warn, info, debug, trace or silent',
  })
  LOG_LEVEL: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent' = 'info';

  @IsOptional()
  @IsIn(['pretty', 'json'], { message: 'pretty or json' })
  LOG_FORMAT?: 'pretty' | 'json';
}

/** The names the service reads; anything else in the environment is ignored. */
export const ENV_NAMES = [
  'NODE_ENV',
  'PORT',
  'HOST',
  'PUBLIC_URL',
  'TRUST_PROXY',
  'CORS_ORIGINS',
  'DATABASE_URL',
  'DATABASE_POOL_MAX',
  'DATABASE_DIRECT_URL',
  'REDIS_URL',
  'SMTP_URL',
  'MAIL_FROM',
  ...PAGE_ENV_NAMES,
  'JWT_SECRET',
  'JWT_ALGORITHM',
  'JWT_PRIVATE_KEYS',
  'ACCESS_TOKEN_TTL',
  'SESSION_TTL',
  'SESSION_MAX_TTL',
  'EMAIL_VERIFICATION',
  'CONCEAL_ACCOUNTS',
  'SECURITY_NOTICES',
  'PASSWORD_POLICY',
  'BCRYPT_COST',
  'PASSWORD_PEPPER',
  'PASSWORD_BREACH_URL',
  'MAIL_RETRY_LIMIT',
  'RATE_LIMITS',
  'METRICS_PORT',
  'METRICS_TOKEN',
  'SHUTDOWN_DELAY',
  'AUDIT_RETENTION',
  'AUDIT_SECRET',
  'LOG_LEVEL',
  'LOG_FORMAT',
] as const satisfies readonly (keyof Env)[];

/** Thrown at start when the environment is wrong; its message lists every mistake, a line each, without values. */
export class ConfigurationError extends StartError {
  constructor(readonly mistakes: string[]) {
    super(
      `The configuration is not usable:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}\n` +
        'See docs/configuration.md for every name, its form and its default.',
    );
    this.name = 'ConfigurationError';
  }
}

/**
 * Reads and validates the environment as a whole.
 *
 * @throws ConfigurationError naming all mistakes at once, so that one restart is enough to mend them
 */
export function readEnv(source: NodeJS.ProcessEnv): Env {
  const present = ENV_NAMES.filter((name) => (source[name] ?? '').trim() !== '');
  const env = plainToInstance(Env, Object.fromEntries(present.map((name) => [name, source[name]!.trim()])), {
    exposeDefaultValues: true,
  });
  const mistakes = validateSync(env, { stopAtFirstError: true }).map(
    ({ property, constraints }) => `${property} must be ${Object.values(constraints ?? {})[0]}`,
  );
  mistakes.push(
    ...orderMistakes(env),
    ...pageMistakes(env),
    ...(env.NODE_ENV === 'production' ? productionMistakes(env) : []),
  );
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
  return env;
}

/** What production would refuse of settings that are good enough for development: a sentence for each. */
export function productionGaps(source: NodeJS.ProcessEnv): string[] {
  return productionMistakes(readEnv(source));
}

/** Length of a duration written as `15m`, in milliseconds. */
export function milliseconds(duration: string): number {
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[duration.at(-1) as 's' | 'm' | 'h' | 'd'];
  return Number(duration.slice(0, -1)) * unit;
}

function orderMistakes(env: Env): string[] {
  if (![env.ACCESS_TOKEN_TTL, env.SESSION_TTL, env.SESSION_MAX_TTL].every((ttl) => DURATION.test(ttl)))
    return [];
  const mistakes: string[] = [];
  if (milliseconds(env.ACCESS_TOKEN_TTL) > milliseconds('24h'))
    mistakes.push('ACCESS_TOKEN_TTL must be at most 24h: an access token is meant to be short-lived');
  if (milliseconds(env.SESSION_TTL) > milliseconds(env.SESSION_MAX_TTL))
    mistakes.push('SESSION_TTL must be at most SESSION_MAX_TTL');
  if (env.CONCEAL_ACCOUNTS === 'true' && env.EMAIL_VERIFICATION === 'off')
    mistakes.push(
      'CONCEAL_ACCOUNTS must be false where EMAIL_VERIFICATION is off: registering logs in and so tells',
    );
  return [...mistakes, ...keyMistakes(env)];
}

function keyMistakes({ JWT_ALGORITHM: algorithm, JWT_PRIVATE_KEYS: keys }: Env): string[] {
  if (algorithm !== 'RS256' && algorithm !== 'ES256') return [];
  if (!keys) return ['JWT_PRIVATE_KEYS must be set where JWT_ALGORITHM is RS256 or ES256'];
  return pemBlocks(keys).every((pem) => kindOfKey(pem) === algorithm)
    ? []
    : [`JWT_PRIVATE_KEYS must be keys for ${algorithm}, as JWT_ALGORITHM says`];
}
