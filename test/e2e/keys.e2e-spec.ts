import { generateKeyPairSync } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { TestApp } from '../support/app';
import { loggedIn, login } from '../support/actors';
import type { TestDatabase } from '../support/database';
import { createDatabase } from '../support/database';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const ES = [1, 2].map(
  () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem) as string,
);
const RS = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem) as string;

describe('keys', () => {
  let database: TestDatabase;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });
  afterAll(() => database.drop());

  const start = async (env: Record<string, string> = {}) => {
    const app = await TestApp.start({ database, env });
    apps.push(app);
    return app;
  };
  const jwks = (app: TestApp) => app.http.get<{ keys: Record<string, string>[] }>('/.well-known/jwks.json');
  const isAccepted = async (app: TestApp, token: string) =>
    (await app.http.get('/api/auth/profile', { token })).status === 200;

  describe('GET /.well-known/jwks.json', () => {
    it('is empty under HS256', async () => {
      const { status, body } = await jwks(await start());
      expect([status, body]).toEqual([200, { keys: [] }]);
    });

    it('publishes every public key, and no private part, with cache headers', async () => {
      const { headers, body } = await jwks(
        await start({ JWT_ALGORITHM: 'ES256', JWT_PRIVATE_KEYS: ES.join('') }),
      );
      expect(headers.get('cache-control')).toBe('public, max-age=300');
      expect(body.keys).toHaveLength(2);
      for (const key of body.keys) {
        expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
        expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
      }
    });
  });

  it.each([
    ['ES256', ES[0]!],
    ['RS256', RS],
  ])('another service verifies %s tokens with jose and the JWKS alone', async (algorithm, key) => {
    const app = await start({ JWT_ALGORITHM: algorithm, JWT_PRIVATE_KEYS: key });
    const { token, id, email } = await loggedIn(app);
    const keys = createRemoteJWKSet(new URL(`${app.http.baseUrl}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: 'http://localhost:3000',
      audience: 'http://localhost:3000',
      typ: 'at+jwt',
      algorithms: [algorithm],
    });
    expect(payload).toMatchObject({ sub: id, email });
    expect(protectedHeader.kid).toEqual(expect.any(String));
    expect(await isAccepted(app, token)).toBe(true);
  });

  it('accepts line breaks written as \\n', async () => {
    const app = await start({ JWT_ALGORITHM: 'ES256', JWT_PRIVATE_KEYS: ES[0]!.replaceAll('\n', '\\n') });
    expect(await isAccepted(app, (await loggedIn(app)).token)).toBe(true);
  });

  it('refuses to start with keys of another kind than the algorithm, and with unreadable ones', async () => {
    await expect(start({ JWT_ALGORITHM: 'RS256', JWT_PRIVATE_KEYS: ES[0]! })).rejects.toThrow(
      'JWT_PRIVATE_KEYS',
    );
    const broken = ES[0]!.replace(/\n[^-]+\n/, '\nAAAA\n');
    await expect(start({ JWT_ALGORITHM: 'ES256', JWT_PRIVATE_KEYS: broken })).rejects.toThrow();
  });

  it('rotates: the first signs, all verify, a dropped one is refused', async () => {
    const env = (...keys: string[]) => ({ JWT_ALGORITHM: 'ES256', JWT_PRIVATE_KEYS: keys.join('\n') });
    const before = await start(env(ES[0]!));
    const actor = await loggedIn(before);
    const during = await start(env(ES[1]!, ES[0]!));
    expect(await isAccepted(during, actor.token)).toBe(true);
    const fresh = await login(during, actor);
    expect(decodeProtectedHeader(fresh.token).kid).not.toBe(decodeProtectedHeader(actor.token).kid);
    const after = await start(env(ES[1]!));
    expect(await isAccepted(after, fresh.token)).toBe(true);
    expect(await isAccepted(after, actor.token)).toBe(false);
  });

  it('rotates secrets likewise, refresh tokens included', async () => {
    const [old, next] = [
      'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV',
      'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV',
    ];
    const before = await start({ JWT_SECRET: old });
    const actor = await loggedIn(before);
    const during = await start({ JWT_SECRET: `${next},${old}` });
    expect(await isAccepted(during, actor.token)).toBe(true);
    const { status, body } = await during.http.post('/api/auth/refresh', {
      refresh_token: actor.refreshToken,
    });
    expect(status).toBe(200);
    const after = await start({ JWT_SECRET: next });
    expect(await isAccepted(after, body.access_token as string)).toBe(true);
    expect((await after.http.post('/api/auth/refresh', { refresh_token: body.refresh_token })).status).toBe(
      200,
    );
    expect(await isAccepted(after, actor.token)).toBe(false);
  });
});
