import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign as signWith,
  type KeyObject,
} from 'node:crypto';
import { request } from 'node:http';
import { CompactEncrypt } from 'jose';
import { loggedIn, login, PASSWORD, unverified, type LoggedIn } from '../support/actors';
import { TestApp, TEST_SECRET } from '../support/app';
import { DAY } from '../support/clock';

type Algorithm = 'HS256' | 'RS256' | 'ES256';
type Signer = (content: string) => Buffer;

const ORIGIN = 'http://localhost:3000';
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const OURS: Record<Algorithm, KeyObject | undefined> = { HS256: undefined, RS256: rsa(), ES256: ec() };
const ATTACKERS = { RS256: rsa(), ES256: ec() };

const hmac =
  (key: string | Buffer, hash = 'sha256'): Signer =>
  (content) =>
    createHmac(hash, key).update(content).digest();
const sign =
  (key: KeyObject, hash = 'sha256'): Signer =>
  (content) =>
    signWith(hash, Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
const nothing: Signer = () => Buffer.alloc(0);
const zeros: Signer = () => Buffer.alloc(64);

const signer = (key: KeyObject | undefined): Signer => (key ? sign(key) : hmac(TEST_SECRET));
const encode = (part: unknown) =>
  (Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))
  ).toString('base64url');
/** Header and claims may be JSON values, the text of one, or bytes. */
const write = (header: unknown, claims: unknown, by: Signer) => {
  const content = `${encode(header)}.${encode(claims)}`;
  return `${content}.${by(content).toString('base64url')}`;
};

describe.each(['HS256', 'RS256', 'ES256'] as const)('a protected route under %s', (algorithm) => {
  const ours = signer(OURS[algorithm]);
  let app: TestApp;
  let victim: LoggedIn;
  let stranger: LoggedIn;
  let header: Record<string, unknown>;
  let claims: Record<string, unknown>;

  beforeAll(async () => {
    const privateKey = OURS[algorithm]?.export({ type: 'pkcs8', format: 'pem' }) as string | undefined;
    app = await TestApp.start({
      env: { JWT_ALGORITHM: algorithm, ...(privateKey ? { JWT_PRIVATE_KEYS: privateKey } : {}) },
    });
    victim = await loggedIn(app);
    stranger = await loggedIn(app);
    [header, claims] = victim.token.split('.').slice(0, 2).map(decoded) as [typeof header, typeof claims];
  });
  afterAll(() => app.close());

  const get = (authorization: string) =>
    app.http.get('/api/auth/profile', { headers: { Authorization: authorization } });
  /** 401 as a problem document, with the challenge of RFC 6750. */
  const isRefused = async (token: string, code: unknown = expect.stringMatching(/^(token|session)_/)) => {
    const { status, headers, body } = await get(`Bearer ${token}`);
    expect({ token, status, code: body.code }).toEqual({ token, status: 401, code });
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="gatehouse"/);
  };

  it('accepts its own token, and this test can write one', async () => {
    expect((await get(`Bearer ${victim.token}`)).status).toBe(200);
    expect((await get(`Bearer ${write(header, claims, ours)}`)).status).toBe(200);
  });

  describe('refuses without the key:', () => {
    it.each(['none', 'None', 'NONE', 'nOnE', '', 'null', 'HS1', 'toString'])('alg %j', async (alg) => {
      for (const by of [nothing, ours])
        for (const kid of [header.kid, 'unknown', undefined])
          await isRefused(write({ ...header, alg, kid }, claims, by), 'token_invalid');
    });

    it.each([
      ['no alg', undefined],
      ['null', null],
      ['a number', 256],
      ['a list of the right one', [algorithm]],
      ['an object', { toString: algorithm }],
    ])('an alg that is no text: %s', async (_, alg) => {
      for (const by of [nothing, ours])
        for (const kid of [header.kid, 'unknown', undefined])
          await isRefused(write({ ...header, alg, kid }, claims, by), 'token_invalid');
    });

    it('the right alg without a signature, whatever the kid', async () => {
      for (const kid of [header.kid, 'unknown', '', undefined, null, 0])
        await isRefused(write({ ...header, kid }, claims, nothing), 'token_invalid');
    });

    it('another algorithm of the same key', async () => {
      for (const size of ['384', '512'])
        await isRefused(
          write(
            { ...header, alg: algorithm.slice(0, 2) + size },
            claims,
            algorithm === 'HS256' ? hmac(TEST_SECRET, `sha${size}`) : sign(OURS[algorithm]!, `sha${size}`),
          ),
          'token_invalid',
        );
    });

    it('another algorithm by the key of an attacker', async () => {
      for (const [alg, by] of [
        ['HS256', hmac('secret')],
        ['RS256', sign(ATTACKERS.RS256)],
        ['PS256', sign(ATTACKERS.RS256)],
        ['ES256', sign(ATTACKERS.ES256)],
        ['ES256', zeros],
        ['EdDSA', zeros],
      ] as const)
        await isRefused(write({ ...header, alg }, claims, by), 'token_invalid');
    });

    const publicKey = OURS[algorithm] && createPublicKey(OURS[algorithm]);
    if (publicKey)
      it('HS256 signed with the public key, in every form it is published in', async () => {
        const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
        const jwk = publicKey.export({ format: 'jwk' });
        const secrets: (string | Buffer)[] = [
          pem,
          pem.trim(),
          pem.replaceAll('\n', '\r\n'),
          pem.replaceAll('\n', ''),
          publicKey.export({ type: 'spki', format: 'der' }),
          JSON.stringify(jwk),
          JSON.stringify({ ...jwk, kid: header.kid, alg: algorithm, use: 'sig' }),
          Buffer.from((jwk.n ?? jwk.x)!, 'base64url'),
          (jwk.n ?? jwk.x)!,
        ];
        if (algorithm === 'RS256') secrets.push(publicKey.export({ type: 'pkcs1', format: 'pem' }));
        for (const secret of secrets)
          for (const kid of [header.kid, undefined])
            await isRefused(write({ ...header, alg: 'HS256', kid }, claims, hmac(secret)), 'token_invalid');
      });

    it.each([
      ['unknown', 'unknown'],
      ['a path', '../../../../dev/null'],
      ['an absolute path', '/dev/null'],
      ['SQL', "x' UNION SELECT 'secret' --"],
      ['a command', '|/usr/bin/true'],
      ['empty', ''],
      ['a property of every object', '__proto__'],
      ['a number', 0],
      ['null', null],
      ['true', true],
      ['an object', {}],
      ['a list', []],
      ['an address', 'http://127.0.0.1:1/key'],
      ['8,000 characters', 'k'.repeat(8_000)],
    ])('a kid that is %s', async (_, kid) => {
      for (const secret of ['', 'secret', '\0'])
        for (const alg of [algorithm, 'HS256'])
          await isRefused(write({ ...header, alg, kid }, claims, hmac(secret)), 'token_invalid');
      // The right key under another name is not looked for either.
      await isRefused(write({ ...header, kid }, claims, ours), 'token_invalid');
    });

    it('a key that comes with the token: jwk, jku, x5u, x5c', async () => {
      const attacker = algorithm === 'HS256' ? undefined : ATTACKERS[algorithm];
      const jwk = attacker
        ? { ...createPublicKey(attacker).export({ format: 'jwk' }), kid: 'mine', alg: algorithm, use: 'sig' }
        : { kty: 'oct', k: encode('secret'), kid: 'mine', alg: algorithm };
      const certificate = attacker
        ? createPublicKey(attacker).export({ type: 'spki', format: 'der' }).toString('base64')
        : 'MIIB';
      for (const extra of [
        { jwk },
        { jku: `${app.http.baseUrl}/dev/keys` },
        { jku: 'http://127.0.0.1:1/jwks.json' },
        { x5u: 'http://127.0.0.1:1/certificate.pem' },
        { x5c: [certificate] },
        { jwk, x5c: [certificate], 'x5t#S256': encode('x') },
      ])
        for (const kid of [header.kid, 'mine', undefined])
          await isRefused(
            write({ ...header, kid, ...extra }, claims, attacker ? sign(attacker) : hmac('secret')),
            'token_invalid',
          );
    });

    it('a header that is no object', async () => {
      for (const part of ['null', '[]', '"x"', '1', 'true', '{}', '', '{', '\0', '[['.repeat(1_000)])
        for (const by of [nothing, ours]) await isRefused(write(part, claims, by), 'token_invalid');
    });

    it('bytes that are no UTF-8, in the token and around it', async () => {
      const noText = Buffer.from([0xff, 0xfe, 0x7b, 0xc3, 0x28, 0x7d]);
      await isRefused(write(noText, claims, ours), 'token_invalid');
      await isRefused(write(header, noText, ours), 'token_invalid');
      await isRefused(`${victim.token}\u00ff`, 'token_invalid');
      await isRefused('\u00ff\u00fe\u0080', 'token_invalid');
    });

    it('a signature of another token', async () => {
      const [head, body] = victim.token.split('.');
      const [, otherBody, otherSignature] = stranger.token.split('.');
      await isRefused([head, body, otherSignature].join('.'), 'token_invalid');
      await isRefused([head, otherBody, victim.token.split('.')[2]].join('.'), 'token_invalid');
    });

    it('other numbers of parts, an encrypted token of five among them', async () => {
      const [head, body, signature] = victim.token.split('.') as [string, string, string];
      const encrypted = await new CompactEncrypt(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ ...header, alg: 'dir', enc: 'A256GCM' })
        .encrypt(Buffer.from(TEST_SECRET).subarray(0, 32));
      expect(encrypted.split('.')).toHaveLength(5);
      for (const token of [
        encrypted,
        head,
        `${head}.${body}`,
        `${head}.${body}.`,
        `${head}..${signature}`,
        `.${body}.${signature}`,
        `${victim.token}.`,
        `.${victim.token}`,
        `${victim.token}.${signature}`,
        `${victim.token}.${victim.token}`,
        '.'.repeat(5_000),
      ])
        await isRefused(token, 'token_invalid');
    });

    it('a token of 8 kB', async () => {
      await isRefused(`${victim.token}${'A'.repeat(8_000)}`, 'token_invalid');
      await isRefused(write({ ...header, x: 'x'.repeat(6_000) }, claims, zeros), 'token_invalid');
    });

    it('a refresh token, a cookie and the token of a letter', async () => {
      const cookie = await app.http.post('/api/auth/login', {
        email: victim.email,
        password: PASSWORD,
        transport: 'cookie',
      });
      const { email } = await unverified(app);
      const letter = await app.mailbox.waitFor(email);
      await isRefused(victim.refreshToken, 'token_invalid');
      await isRefused(/session=([^;]+)/.exec(cookie.headers.get('set-cookie')!)![1]!, 'token_invalid');
      await isRefused(letter.token!, 'token_invalid');
    });
  });

  describe('refuses, though the right key has signed it:', () => {
    const signed = (otherHeader: object, otherClaims: object) =>
      write({ ...header, ...otherHeader }, { ...claims, ...otherClaims }, ours);

    // Nobody else issues tokens here, so the type is compared as it is written, stricter than RFC 7515 §4.1.9 asks.
    it.each([
      undefined,
      null,
      '',
      1,
      ['at+jwt'],
      'JWT',
      'jwt',
      'AT+JWT',
      'at+JWT',
      'at+jwt ',
      'application/at+jwt',
      'id+jwt',
      'logout+jwt',
      'refresh+jwt',
    ])('typ %j', (typ) => isRefused(signed({ typ }, {}), 'token_invalid'));

    // RFC 7515 §4.1.11: what is marked as critical must be understood, and nothing is.
    it.each([[['b64']], [['exp']], [[]], ['x']])('crit %j', (crit) =>
      isRefused(signed({ crit, b64: true }, {}), 'token_invalid'),
    );

    it.each([
      undefined,
      null,
      '',
      'http://evil.example',
      `${ORIGIN}/`,
      'HTTP://LOCALHOST:3000',
      [ORIGIN],
      {},
    ])('iss %j', (iss) => isRefused(signed({}, { iss }), 'token_invalid'));

    it.each([
      undefined,
      null,
      '',
      'http://evil.example',
      `${ORIGIN}/`,
      [],
      ['http://evil.example'],
      [[ORIGIN]],
      { [ORIGIN]: true },
    ])('aud %j', (aud) => isRefused(signed({}, { aud }), 'token_invalid'));

    it.each([undefined, null, true, '4102444800', '2100-01-01', [4102444800], {}])('exp %j', (exp) =>
      isRefused(signed({}, { exp }), 'token_invalid'),
    );

    it.each([0, -1, -4102444800, 1e-9, 1.5, Math.floor(Date.now() / 1000) - 1, Date.now() / 1000 - 0.001])(
      'exp %d with token_expired',
      (exp) => isRefused(signed({}, { exp }), 'token_expired'),
    );

    it.each([4102444800, 1e300, '0', null, {}])('nbf %j', (nbf) =>
      isRefused(signed({}, { nbf }), 'token_invalid'),
    );

    it.each([undefined, null, 'x', '0', {}, [1]])('iat %j', (iat) =>
      isRefused(signed({}, { iat }), 'token_invalid'),
    );

    it.each([undefined, null, 1, '', 'x', {}, ['x'], "' OR 1=1 --"])('sub %j', (sub) =>
      isRefused(signed({}, { sub })),
    );

    it.each([undefined, null, 1, '', 'x', {}, ['x'], "' OR 1=1 --", '00000000-0000-0000-0000-000000000000'])(
      'sid %j',
      (sid) => isRefused(signed({}, { sid })),
    );

    it.each([undefined, null, 1, '', 'x', '.', 'x.', 'x.-1', 'x.1e3', 'x.99999999999', {}, ['x.0']])(
      'jti %j',
      (jti) => isRefused(signed({}, { jti }), 'token_invalid'),
    );

    it("another user's session with the own id, and the own session with another user's id", async () => {
      const { sid } = decoded(stranger.token.split('.')[1]!);
      await isRefused(signed({}, { sid }), 'session_revoked');
      await isRefused(signed({}, { sub: stranger.id }), 'session_revoked');
      await isRefused(signed({}, { sid: randomUUID() }), 'session_revoked');
      await isRefused(signed({}, { sub: randomUUID() }), 'session_revoked');
    });

    it('a claim twice: the last one counts (RFC 7519 §4), so the two must still fit together', async () => {
      const twice = JSON.stringify({ ...claims, sub: undefined }).replace(
        /}$/,
        `,"sub":"${victim.id}","sub":"${stranger.id}"}`,
      );
      await isRefused(write(header, twice, ours), 'session_revoked');
      const algorithms = JSON.stringify(header).replace(/}$/, ',"alg":"none"}');
      await isRefused(write(algorithms, claims, ours), 'token_invalid');
    });

    it('claims that are no object', async () => {
      for (const part of ['null', '[]', '"x"', '1', 'true', '{}', '{', 'x'])
        await isRefused(write(header, part, ours), 'token_invalid');
    });

    it('the session of a cookie', async () => {
      const { email, id } = victim;
      const credentials = { email, password: PASSWORD, transport: 'cookie' };
      await app.http.post('/api/auth/login', credentials);
      const [row] = await app.database.query<{ id: string }>(
        `SELECT id FROM sessions WHERE user_id = $1 AND transport = 'cookie'`,
        [id],
      );
      await isRefused(signed({}, { sid: row!.id }), 'session_revoked');
    });
  });

  describe('a token whose session has ended', () => {
    it('is refused in every other spelling', async () => {
      const { token } = await login(app, victim);
      const [head, body, signature] = token.split('.') as [string, string, string];
      const own = decoded(body);
      expect((await get(`Bearer ${token}`)).status).toBe(200);
      expect((await app.http.post('/api/auth/logout', undefined, { token })).status).toBe(200);
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const bytes = Buffer.from(signature, 'base64url');
      const unused = { HS256: 2, RS256: 4, ES256: 4 }[algorithm];
      const last = alphabet.indexOf(signature.at(-1)!);
      const otherBits = Array.from({ length: 2 ** unused }, (_, bits) => alphabet[last | bits]);
      const spellings = [
        token,
        ...otherBits.map((character) => `${head}.${body}.${signature.slice(0, -1)}${character}`),
        `${token}=`,
        `${token}==`,
        `${head}=.${body}=.${signature}=`,
        `${head}.${body}.${bytes.toString('base64')}`,
        `${head}.${body}.${signature.replaceAll('-', '+').replaceAll('_', '/')}`,
        token.replaceAll('-', '+').replaceAll('_', '/'),
        `${head}.${body}.${signature}.`,
        `${head}.${body}..${signature}`,
        `${head}. ${body}. ${signature}`,
        `${head}.${body}.${signature}\t`,
        encodeURIComponent(token).replaceAll('.', '%2E'),
        `"${token}"`,
        `${token};`,
        `${token},`,
        write(JSON.stringify(header, null, 1), own, ours),
        write(header, JSON.stringify(own, null, 1), ours),
        ...(algorithm === 'ES256' ? [`${head}.${body}.${malleated(bytes).toString('base64url')}`] : []),
      ];
      for (const spelling of spellings) await isRefused(spelling);
    });

    it('is refused with a new expiry too', async () => {
      const { token } = await login(app, victim);
      const own = decoded(token.split('.')[1]!);
      await app.http.post('/api/auth/logout', undefined, { token });
      await isRefused(write(header, { ...own, exp: 4102444800 }, ours), 'session_revoked');
      await isRefused(write(header, { ...own, jti: 'x.7' }, ours), 'session_revoked');
    });
  });

  describe('the Authorization header', () => {
    it.each(['bearer', 'BEARER', 'bEaReR'])(
      'names the scheme in any case: %s (RFC 9110 §11.1)',
      async (scheme) => {
        expect((await get(`${scheme} ${victim.token}`)).status).toBe(200);
        expect((await get(`${scheme}   ${victim.token}`)).status).toBe(200);
      },
    );

    it.each([
      'TOKEN',
      'Bearer',
      'BearerTOKEN',
      'Bearer:TOKEN',
      'Bearer=TOKEN',
      'Bearer Bearer TOKEN',
      'Bearer TOKEN TOKEN',
      'Bearer TOKEN x',
      'Bearer TOKEN,TOKEN',
      'Bearer TOKEN, Bearer TOKEN',
      'Bearer x, Bearer TOKEN',
      'Bearer x Bearer TOKEN',
      'Basic x, Bearer TOKEN',
      'X Bearer TOKEN',
      'Basic TOKEN',
      'JWT TOKEN',
      'Token TOKEN',
      'DPoP TOKEN',
      'Bearer token="TOKEN"',
      'Bearer "TOKEN"',
      'Bearer <TOKEN>',
    ])('is refused as %j', async (form) => {
      const { status, body } = await get(form.replaceAll('TOKEN', victim.token));
      expect([status, body.code]).toEqual([401, 'token_invalid']);
    });

    it('is refused when it comes twice, the first one good or not', async () => {
      const [good, bad] = [`Bearer ${victim.token}`, `Bearer ${stranger.refreshToken}`];
      for (const both of [
        [good, bad],
        [bad, good],
        [good, good],
        [good, `Bearer ${stranger.token}`],
      ])
        expect(await statusOf(app, both)).toBe(401);
      expect(await statusOf(app, [good])).toBe(200);
    });
  });

  describe('a good token anywhere else', () => {
    it.each(['access_token', 'token', 'auth_token', 'jwt', 'authorization', 'bearer'])(
      'is not seen in the query, as %s',
      async (name) => {
        const { status } = await app.http.get(`/api/auth/profile?${name}=${victim.token}`);
        expect(status).toBe(401);
      },
    );

    it.each(['session', '__Host-session', 'access_token', 'token', 'jwt', 'Authorization'])(
      'is not seen in the cookie %s',
      async (name) => {
        const headers = { Cookie: `${name}=${victim.token}` };
        expect((await app.http.get('/api/auth/profile', { headers })).status).toBe(401);
      },
    );

    it.each([
      'X-Access-Token',
      'X-Authorization',
      'Proxy-Authorization',
      'X-Forwarded-Authorization',
      'Token',
    ])('is not seen in the header %s', async (name) => {
      const headers = { [name]: `Bearer ${victim.token}` };
      expect((await app.http.get('/api/auth/profile', { headers })).status).toBe(401);
    });

    it('is not seen in a body', async () => {
      const { token } = victim;
      for (const name of ['access_token', 'token', 'auth_token', 'jwt'])
        expect((await app.http.post('/api/auth/logout', { [name]: token })).status).toBe(401);
      const form = await fetch(`${app.http.baseUrl}/api/auth/logout`, {
        method: 'POST',
        body: new URLSearchParams({ access_token: token }),
      });
      expect([401, 415]).toContain(form.status);
      expect((await get(`Bearer ${token}`)).status).toBe(200);
    });
  });

  // What the standards allow and is no attack, so that nobody takes it for one.
  describe('accepts, signed by the right key:', () => {
    it.each([
      ['one audience of several that is this service', { aud: ['http://other.example', ORIGIN] }],
      ['an expiry with a fraction', { exp: Date.now() / 1000 + 600.5 }],
      ['a claim that it does not know', { scope: 'x' }],
      ['a time before that has passed', { nbf: 1 }],
    ])('%s', async (_, more) => {
      expect((await get(`Bearer ${write(header, { ...claims, ...more }, ours)}`)).status).toBe(200);
    });

    it('an expiry beyond every session, which then ends with its session', async () => {
      const { token } = await login(app, victim);
      const own = decoded(token.split('.')[1]!);
      const eternal = write(header, { ...own, exp: 1e300 }, ours);
      expect((await get(`Bearer ${eternal}`)).status).toBe(200);
      app.clock.advance(8 * DAY);
      await isRefused(eternal, 'session_revoked');
    });
  });
});

function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
}

/** The other signature that an ECDSA key accepts for the same content: n − s for s. */
function malleated(signature: Buffer): Buffer {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`);
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
}

/** One request with several Authorization lines, as `fetch` cannot send it. */
function statusOf(app: TestApp, authorizations: string[]): Promise<number | undefined> {
  const { host } = new URL(app.http.baseUrl);
  const headers = ['Host', host, ...authorizations.flatMap((value) => ['Authorization', value])];
  return new Promise((resolve, reject) =>
    request(`${app.http.baseUrl}/api/auth/profile`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end(),
  );
}
