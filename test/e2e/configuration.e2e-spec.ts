import { ConfigurationError, readEnv } from '../../src/config/env';
import { Config } from '../../src/config/config';

const SECRET = 'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV';
const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://gate:pw@db.example.org/gate',
  JWT_SECRET: SECRET,
  PUBLIC_URL: 'https://auth.example.org',
  SMTP_URL: 'smtps://user:pw@smtp.example.org',
  MAIL_FROM: 'Gatehouse <no-reply@example.org>',
};

function mistakes(env: NodeJS.ProcessEnv): string[] {
  try {
    readEnv(env);
    return [];
  } catch (error) {
    return (error as ConfigurationError).mistakes;
  }
}

describe('configuration', () => {
  it('is complete without any variable', () => {
    const config = Config.from(readEnv({}), { databaseUrl: 'postgres://localhost/x', jwtSecret: SECRET });
    expect(config.http).toEqual({
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://localhost:3000',
      trustProxy: false,
      corsOrigins: [],
    });
    expect(config.sessions).toEqual({ accessTokenTtl: 900_000, ttl: 604_800_000, maxTtl: 2_592_000_000 });
  });

  it('treats an empty variable as one that is not set', () => {
    expect(readEnv({ PORT: '', DATABASE_URL: '  ' }).PORT).toBe(3000);
  });

  it.each([
    ['PORT', '70000'],
    ['PORT', '12ab'],
    ['HOST', 'a b'],
    ['NODE_ENV', 'prod'],
    ['PUBLIC_URL', 'auth.example.org'],
    ['PUBLIC_URL', 'https://auth.example.org/path'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '10.0.0.0/40'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://app.example.org/'],
    ['DATABASE_URL', 'mysql://db/x'],
    ['DATABASE_POOL_MAX', '1'],
    ['REDIS_URL', 'http://redis'],
    ['SMTP_URL', 'mail.example.org'],
    ['MAIL_FROM', 'a@b.org, c@d.org'],
    ['WEB_PAGES', 'yes'],
    ['VERIFY_URL', '/verify'],
    ['CONFIRM_EMAIL_URL', 'javascript:alert(1)'],
    ['RESET_URL', 'https://app.example.org/#/reset'],
    ['NOT_ME_URL', 'https://user:pw@app.example.org/'],
    ['BRAND_NAME', 'a\nb'],
    ['BRAND_NAME', 'a'.repeat(61)],
    ['BRAND_ACCENT', 'red'],
    ['BRAND_ACCENT', '#fff'],
    ['BRAND_ACCENT', '#ffffff;}'],
    ['BRAND_LOGO', 'README.md'],
    ['BRAND_LOGO', 'not-there.svg'],
    ['JWT_SECRET', 'short'],
    ['JWT_SECRET', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['JWT_SECRET', 'change-me-change-me-change-me-1234567890'],
    ['JWT_SECRET', `${SECRET},${SECRET}`],
    ['JWT_ALGORITHM', 'none'],
    ['JWT_PRIVATE_KEYS', 'not a key'],
    ['ACCESS_TOKEN_TTL', '15'],
    ['ACCESS_TOKEN_TTL', '25h'],
    ['SESSION_TTL', '31d'],
    ['EMAIL_VERIFICATION', 'no'],
    ['CONCEAL_ACCOUNTS', 'yes'],
    ['PASSWORD_POLICY', 'none'],
    ['BCRYPT_COST', '3'],
    ['PASSWORD_PEPPER', 'salt'],
    ['MAIL_RETRY_LIMIT', '-1'],
    ['RATE_LIMITS', 'high'],
    ['RATE_LIMITS', '0'],
    ['PASSWORD_BREACH_URL', 'http://breaches.example.org/range/'],
    ['PASSWORD_BREACH_URL', 'https://breaches.example.org/range'],
    ['METRICS_PORT', '65536'],
    ['SHUTDOWN_DELAY', '60s'],
    ['SHUTDOWN_DELAY', '1m'],
    ['AUDIT_RETENTION', '0d'],
    ['AUDIT_SECRET', 'short'],
    ['METRICS_TOKEN', 'short'],
    ['METRICS_TOKEN', 'a b c d e f g h i j k l m n o p q r s t'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_FORMAT', 'xml'],
  ])('refuses %s=%s, naming the variable and not the value', (name, value) => {
    const [mistake, ...more] = mistakes({ [name]: value });
    expect(more).toEqual([]);
    expect(mistake).toMatch(new RegExp(`^${name} must be `));
    if (value.length > 4) expect(mistake).not.toContain(value);
  });

  it('lists all mistakes at once', () => {
    expect(mistakes({ PORT: 'x', LOG_LEVEL: 'x', JWT_ALGORITHM: 'RS256' })).toHaveLength(3);
  });

  it('needs to know where letters lead where there are no pages', () => {
    const found = mistakes({ WEB_PAGES: 'off', VERIFY_URL: 'https://app.example.org/verify' });
    expect(found).toEqual(
      ['CONFIRM_EMAIL_URL', 'RESET_URL', 'NOT_ME_URL'].map(
        (name) => `${name} must be set where WEB_PAGES is off: letters lead there`,
      ),
    );
  });

  it('letters lead to the own pages, or where a variable says', () => {
    const env = readEnv({
      PUBLIC_URL: 'https://auth.example.org/',
      RESET_URL: 'https://app.example.org/r?x=1',
    });
    const { links, pages } = Config.from(env, { databaseUrl: 'postgres://localhost/x', jwtSecret: SECRET });
    expect(pages.areServed).toBe(true);
    expect(links).toEqual({
      verifyEmail: 'https://auth.example.org/verify-email',
      confirmEmail: 'https://auth.example.org/confirm-email',
      resetPassword: 'https://app.example.org/r?x=1',
      notMe: 'https://auth.example.org/not-me',
    });
  });

  describe('production', () => {
    it('starts on a complete configuration', () => {
      expect(mistakes(PRODUCTION)).toEqual([]);
      expect(Config.from(readEnv(PRODUCTION), {}).http.host).toBe('0.0.0.0');
    });

    it.each(['DATABASE_URL', 'JWT_SECRET', 'PUBLIC_URL', 'SMTP_URL', 'MAIL_FROM'])(
      'refuses to start without %s',
      (name) => {
        const found = mistakes({ ...PRODUCTION, [name]: undefined });
        expect(found).toHaveLength(1);
        expect(found[0]).toMatch(new RegExp(`^${name} must be set in production`));
      },
    );

    it.each([
      ['PUBLIC_URL', 'http://auth.example.org'],
      ['RESET_URL', 'http://app.example.org/reset'],
      ['BCRYPT_COST', '9'],
      ['RATE_LIMITS', 'off'],
    ])('refuses %s=%s', (name, value) => {
      expect(mistakes({ ...PRODUCTION, [name]: value })).toHaveLength(1);
    });
  });

  it('takes a pooler for granted where another direct URL is given', () => {
    const { database } = Config.from(
      readEnv({ ...PRODUCTION, DATABASE_DIRECT_URL: 'postgres://gate:pw@direct.example.org/gate' }),
      {},
    );
    expect(database).toMatchObject({
      isPooled: true,
      directUrl: 'postgres://gate:pw@direct.example.org/gate',
    });
  });
});
