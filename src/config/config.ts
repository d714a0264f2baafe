import { milliseconds, type Env } from './env';
import { listOf, pemBlocks } from './env-rules';

/** What stands in for services that are embedded outside production. */
export interface Embedded {
  databaseUrl?: string;
  jwtSecret?: string;
}

export interface HttpConfig {
  host: string;
  port: number;
  /** Origin without a trailing slash; the only source of links in letters. */
  publicUrl: string;
  trustProxy: false | number | string[];
  corsOrigins: string[];
}

export interface DatabaseConfig {
  url: string;
  /** Connection that is no transaction pooler's: migrations and LISTEN need a session of their own. */
  directUrl: string;
  /** A pooler stands in front of the database: no start-up parameters, no named statements, no session state. */
  isPooled: boolean;
  poolMax: number;
}

export interface MailConfig {
  /** Absent: letters go to the development mailbox. */
  smtpUrl?: string;
  from: string;
  retryLimit: number;
}

export interface JwtConfig {
  issuer: string;
  audience: string;
  algorithm: 'HS256' | 'RS256' | 'ES256';
  /** The first signs, all verify. */
  secrets: string[];
  /** PEM. The first signs, all verify. */
  privateKeys: string[];
}

/** Lifetimes in milliseconds. */
export interface SessionConfig {
  accessTokenTtl: number;
  ttl: number;
  maxTtl: number;
}

export interface PasswordConfig {
  policy: 'composition' | 'nist';
  bcryptCost: number;
  /** The first hashes, all verify. Empty: no pepper. */
  peppers: string[];
  /** Range API of breached passwords; absent: they are not looked up. */
  breachUrl?: string;
}

export interface RateLimitConfig {
  /** What every budget is multiplied by; 0: nothing is limited. */
  factor: number;
  /** Absent: each process counts for itself. */
  redisUrl?: string;
}

export interface MetricsConfig {
  /** A port of their own, open to whoever reaches it; absent: none. */
  port?: number;
  /** What opens /metrics on the service's own port; absent: it is closed. */
  token?: string;
}

/** Lengths in milliseconds. */
export interface OperationsConfig {
  /** Between saying "not ready" and refusing connections: proxies need it to notice. */
  shutdownDelay: number;
  /** How long security events are kept at least. */
  auditRetention: number;
  /** Of the MACs of security events. The first signs, all verify. */
  auditSecrets: string[];
}

export interface AccountConfig {
  isVerificationRequired: boolean;
  isConcealed: boolean;
  /** Letters about logins from new devices. */
  areNoticesSent: boolean;
}

/** What pages and letters call themselves, and how pages look. */
export interface BrandConfig {
  /** Absent: pages are Gatehouse's, letters have the name in MAIL_FROM. */
  name?: string;
  /** `#rrggbb` */
  accent?: string;
  /** Path of an SVG or PNG file. */
  logo?: string;
}

/** The pages that mailed links lead to; the token becomes the fragment. */
export interface LinkConfig {
  verifyEmail: string;
  confirmEmail: string;
  resetPassword: string;
  notMe: string;
}

export interface PagesConfig {
  /** Pages for people, beside the API. */
  areServed: boolean;
}

export interface LogConfig {
  level: string;
  format: 'pretty' | 'json';
}

/** The validated configuration in typed groups. Everything but `src/config` reads this and never the environment. */
export class Config {
  isProduction: boolean;
  http: HttpConfig;
  database: DatabaseConfig;
  rateLimits: RateLimitConfig;
  mail: MailConfig;
  links: LinkConfig;
  pages: PagesConfig;
  brand: BrandConfig;
  jwt: JwtConfig;
  sessions: SessionConfig;
  passwords: PasswordConfig;
  accounts: AccountConfig;
  log: LogConfig;
  metrics: MetricsConfig;
  operations: OperationsConfig;

  static from(env: Env, embedded: Embedded): Config {
    const url = env.DATABASE_URL ?? embedded.databaseUrl;
    const secrets = env.JWT_SECRET ?? embedded.jwtSecret;
    if (!url || !secrets) throw new Error('DATABASE_URL and JWT_SECRET need a value or an embedded stand-in');
    const isProduction = env.NODE_ENV === 'production';
    const publicUrl = new URL(env.PUBLIC_URL ?? `http://localhost:${env.PORT}`).origin;
    return Object.assign(new Config(), {
      isProduction,
      http: {
        host: env.HOST ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
        port: env.PORT,
        publicUrl,
        trustProxy: trustProxy(env.TRUST_PROXY),
        corsOrigins: listOf(env.CORS_ORIGINS ?? ''),
      },
      database: {
        url,
        directUrl: env.DATABASE_DIRECT_URL ?? url,
        isPooled: env.DATABASE_DIRECT_URL !== undefined && env.DATABASE_DIRECT_URL !== url,
        poolMax: env.DATABASE_POOL_MAX,
      },
      rateLimits: { factor: rateLimitFactor(env.RATE_LIMITS), redisUrl: env.REDIS_URL },
      mail: { smtpUrl: env.SMTP_URL, from: env.MAIL_FROM, retryLimit: env.MAIL_RETRY_LIMIT },
      links: {
        verifyEmail: env.VERIFY_URL ?? `${publicUrl}/verify-email`,
        confirmEmail: env.CONFIRM_EMAIL_URL ?? `${publicUrl}/confirm-email`,
        resetPassword: env.RESET_URL ?? `${publicUrl}/reset-password`,
        notMe: env.NOT_ME_URL ?? `${publicUrl}/not-me`,
      },
      pages: { areServed: env.WEB_PAGES === 'on' },
      brand: { name: env.BRAND_NAME, accent: env.BRAND_ACCENT?.toLowerCase(), logo: env.BRAND_LOGO },
      jwt: {
        issuer: publicUrl,
        audience: publicUrl,
        algorithm: env.JWT_ALGORITHM,
        secrets: listOf(secrets),
        privateKeys: pemBlocks(env.JWT_PRIVATE_KEYS ?? ''),
      },
      sessions: {
        accessTokenTtl: milliseconds(env.ACCESS_TOKEN_TTL),
        ttl: milliseconds(env.SESSION_TTL),
        maxTtl: milliseconds(env.SESSION_MAX_TTL),
      },
      passwords: {
        policy: env.PASSWORD_POLICY,
        bcryptCost: env.BCRYPT_COST,
        peppers: listOf(env.PASSWORD_PEPPER ?? ''),
        breachUrl: env.PASSWORD_BREACH_URL,
      },
      accounts: {
        isVerificationRequired: env.EMAIL_VERIFICATION === 'required',
        isConcealed: env.CONCEAL_ACCOUNTS === 'true',
        areNoticesSent: env.SECURITY_NOTICES === 'on',
      },
      log: { level: env.LOG_LEVEL, format: env.LOG_FORMAT ?? (process.stdout.isTTY ? 'pretty' : 'json') },
      operations: {
        shutdownDelay: isProduction ? milliseconds(env.SHUTDOWN_DELAY) : 0,
        auditRetention: milliseconds(env.AUDIT_RETENTION),
        auditSecrets: listOf(env.AUDIT_SECRET ?? secrets),
      },
      metrics: { port: env.METRICS_PORT, token: env.METRICS_TOKEN },
    } satisfies Config);
  }
}

function trustProxy(value: string): HttpConfig['trustProxy'] {
  if (value === 'off') return false;
  return /^\d+$/.test(value) ? Number(value) : listOf(value);
}

function rateLimitFactor(value: string): number {
  return { on: 1, off: 0 }[value] ?? Number(value);
}
