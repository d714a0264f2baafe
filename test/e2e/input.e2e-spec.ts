import { freshEmail, loggedIn, login, PASSWORD, unverified } from '../support/actors';
import { TestApp } from '../support/app';
import { NASTY_STRINGS } from '../support/nasty-strings';
import { exchange, request } from '../support/raw';
import { pathOf, requestBodies, type FieldSchema } from '../support/request-fields';

interface Refusal {
  code: string;
  errors?: { field: string; code: string }[];
}

const LOGIN = '/api/auth/login';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const BODIES = requestBodies();

describe('input', () => {
  let app: TestApp;
  let token: string;
  let userId: string;

  beforeAll(async () => {
    app = await TestApp.start();
    ({ token, id: userId } = await loggedIn(app));
  });
  afterAll(() => app.close());

  const fieldsOf = ({ errors = [] }: Refusal) => errors.map(({ field }) => field);

  describe('JSON', () => {
    const send = async (body: string) => {
      const { status, body: answer } = await app.http.post<Refusal>(LOGIN, body, { headers: JSON_TYPE });
      return [status, answer.code];
    };
    const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
    const members = (count: number) =>
      `{${Array.from({ length: count }, (_, key) => `"k${key}":0`).join(',')}}`;
    const elements = (count: number) => `{"email":[${Array.from({ length: count }, () => 0).join(',')}]}`;

    it.each([
      ['32 levels', nested(32), 'validation_failed'],
      ['33 levels', nested(33), 'malformed_json'],
      ['33 levels of arrays', `{"email":${'['.repeat(32)}${']'.repeat(32)}}`, 'malformed_json'],
      ['1,000 members', members(1000), 'validation_failed'],
      ['1,001 members', members(1001), 'malformed_json'],
      ['999 elements', elements(999), 'validation_failed'],
      ['1,000 elements in a member', elements(1000), 'malformed_json'],
      [
        'many small objects',
        `{"email":[${Array.from({ length: 600 }, () => '{"a":0}').join(',')}]}`,
        'malformed_json',
      ],
      ['a byte order mark', '\ufeff{}', 'malformed_json'],
      ['a comment', '{} // ', 'malformed_json'],
      ['a second document', '{}{}', 'malformed_json'],
      ['NaN', '{"email":NaN}', 'malformed_json'],
      ['a line feed in a string', '{"email":"a\nb"}', 'malformed_json'],
      ['an array', '[]', 'malformed_request'],
      ['a number', '1', 'malformed_request'],
    ])('of %s: 400', async (_what, body, code) => {
      expect(await send(body)).toEqual([400, code]);
    });

    it.each([
      ['50,000 brackets', `{"email":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
      ['50,000 unclosed brackets', '['.repeat(50_000)],
      ['50,000 elements', elements(50_000)],
      ['10,000 members', members(10_000)],
      [
        '6,000 numeric keys that collided once',
        `{${Array.from({ length: 6000 }, (_, at) => `"${at * 131_072}":0`).join(',')}}`,
      ],
      [
        '5,000 keys of equal Java hashes',
        `{${Array.from(
          { length: 4096 },
          (_, at) => `"${at.toString(2).padStart(12, '0').replaceAll('0', 'Aa').replaceAll('1', 'BB')}":0`,
        )
          .join(',')
          .slice(0, -1)}}`.slice(0, 102_000),
      ],
      ['one name 10,000 times', `{${Array.from({ length: 10_000 }, () => '"email":0').join(',')}}`],
      ['100 kB of spaces', ' '.repeat(102_400)],
      ['100 kB of escapes', `{"email":"${'\\u0061'.repeat(17_000)}"}`],
      ['a number of 100,000 digits', `{"email":${'9'.repeat(100_000)}}`],
    ])('%s are answered at once', async (_what, body) => {
      const times: number[] = [];
      for (let round = 0; round < 3; round++) {
        const start = performance.now();
        expect((await send(body))[0]).toBe(400);
        times.push(performance.now() - start);
      }
      expect(Math.min(...times)).toBeLessThan(200);
    });

    it('counts the last of a name that is repeated, and validates that one', async () => {
      const { email } = await unverified(app);
      const repeated = (first: unknown, last: unknown) =>
        send(`{"email":${JSON.stringify(first)},"email":${JSON.stringify(last)},"password":"${PASSWORD}"}`);
      expect(await repeated('nobody@example.org', email)).toEqual([403, 'email_not_verified']);
      expect(await repeated(email, 'nobody@example.org')).toEqual([401, 'invalid_credentials']);
      expect(await repeated(email, [email])).toEqual([400, 'validation_failed']);
    });

    it('is UTF-8: other bytes would all become one character', async () => {
      const post = async (body: Buffer) => {
        const head = request(`POST ${LOGIN}`, [
          'Content-Type: application/json',
          'Connection: close',
          `Content-Length: ${body.length}`,
        ]);
        const answer = await exchange(app.http.baseUrl, Buffer.concat([Buffer.from(head), body]));
        return [answer.status, (JSON.parse(answer.body) as Refusal).code];
      };
      const around = (bytes: number[]) =>
        Buffer.concat([
          Buffer.from('{"email":"ada@example.org","password":"'),
          Buffer.from(bytes),
          Buffer.from('"}'),
        ]);
      expect(await post(around([0xc3, 0xa9]))).toEqual([401, 'invalid_credentials']);
      for (const bytes of [
        [0xe9],
        [0xff],
        [0xc0, 0xaf],
        [0xed, 0xa0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xc3],
      ])
        expect(await post(around(bytes))).toEqual([400, 'malformed_json']);
      expect(await post(Buffer.from('{"email":"a"}', 'utf16le'))).toEqual([400, 'malformed_json']);
    });
  });

  describe.each(BODIES)('$method $template', ({ method, template, fields, example }) => {
    const send = (body: unknown) =>
      app.http.send<Refusal>(method, pathOf(template, { userId }), body, { token });

    it('takes a value of another type in no field', async () => {
      for (const [name, field] of Object.entries(fields))
        for (const value of valuesOfOtherTypes(field, example[name])) {
          const { status, body } = await send({ ...example, [name]: value });
          expect([name, value, status, body.code]).toEqual([name, value, 400, 'validation_failed']);
          expect(fieldsOf(body)).toContain(name);
        }
    });

    it.each([
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'valueOf',
      '__defineGetter__',
      'length',
    ])('has no field %s', async (name) => {
      for (const value of [1, 'x', null, {}, { prototype: { polluted: true } }]) {
        const { status, body } = await send({ ...example, [name]: value });
        expect([value, status, body.code]).toEqual([value, 400, 'validation_failed']);
        expect(fieldsOf(body)).toContain(name);
      }
    });

    it('reaches no prototype', async () => {
      const polluted = { polluted: true };
      for (const body of [
        { ['__proto__']: polluted },
        ...Object.keys(fields).flatMap((name) => [
          { [name]: { ['__proto__']: polluted } },
          { [name]: [{ ['__proto__']: polluted }] },
        ]),
      ])
        expect((await send({ ...example, ...body })).body.code).toBe('malformed_json');
      for (const name of Object.keys(fields)) {
        const { status, body } = await send({ ...example, [name]: { constructor: { prototype: polluted } } });
        expect([status, fieldsOf(body)]).toEqual([400, [name]]);
      }
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });
  });

  describe('nasty strings', () => {
    const strings = BODIES.filter(({ isPublic }) => isPublic).flatMap(({ method, path, fields, example }) =>
      Object.keys(fields).map((name) => ({ method, path, name, fields, example })),
    );

    it('are many, for every field of every public route', () => {
      expect(NASTY_STRINGS.length).toBeGreaterThanOrEqual(150);
      expect(new Set(NASTY_STRINGS).size).toBe(NASTY_STRINGS.length);
      expect(strings.length).toBeGreaterThan(12);
    });

    it.each(strings)(
      'harm nothing as $name of $method $path',
      async ({ method, path, name, fields, example }) => {
        await inParallel(NASTY_STRINGS, async (nasty) => {
          const own = 'email' in fields ? { email: freshEmail() } : {};
          const answer = await app.http.send(method, path, { ...example, ...own, [name]: nasty });
          expectHarmless(nasty, answer);
        });
      },
    );

    it('harm nothing as a name that is kept, and come back as they were written', async () => {
      let kept = 0;
      for (const name of NASTY_STRINGS) {
        const answer = await app.http.put('/api/auth/profile', { name }, { token });
        expectHarmless(name, answer);
        if (answer.status !== 200) continue;
        kept++;
        expect((await app.http.get('/api/auth/profile', { token })).body.name).toBe(name.trim() || null);
      }
      expect(kept).toBeGreaterThan(80);
    });

    it('harm nothing in a task, and come back as they were written', async () => {
      const tasks = `/api/users/${userId}/tasks`;
      const kept = { title: 0, description: 0 };
      for (const nasty of NASTY_STRINGS)
        for (const name of ['title', 'description'] as const) {
          const answer = await app.http.post(tasks, { title: 'x', [name]: nasty }, { token });
          expectHarmless(nasty, answer);
          if (answer.status !== 201) continue;
          kept[name]++;
          expect((await app.http.get(`${tasks}/${answer.body.id as string}`, { token })).body[name]).toBe(
            nasty,
          );
        }
      expect([kept.title > 80, kept.description >= kept.title]).toEqual([true, true]);
    });

    it('harm nothing in a path or a query', async () => {
      await inParallel(NASTY_STRINGS, async (nasty) => {
        const encoded = encodeURIComponent(nasty.toWellFormed()).slice(0, 1500).replace(/%.?$/, '');
        for (const target of [
          `/${encoded}`,
          `/api/auth/verify/${encoded}`,
          `/api/auth/sessions/${encoded}`,
          `/api/users/${encoded}`,
          `/api/users/${userId}/tasks/${encoded}`,
          `/api/users/${userId}/tasks?cursor=${encoded}`,
          `/assets/${encoded}`,
          `/docs/${encoded}`,
        ])
          expectHarmless(
            nasty,
            await ask(request(`GET ${target}`, ['Connection: close', `Authorization: Bearer ${token}`])),
          );
        for (const target of [
          `/verify-email?token=${encoded}`,
          `/api/status?${encoded}=${encoded}&${encoded}[]=1`,
        ])
          expectHarmless(nasty, await ask(request(`GET ${target}`, ['Connection: close'])));
      });
    });

    it('harm nothing in headers, and are kept as what calls itself a browser', async () => {
      const { email } = await loggedIn(app);
      const body = JSON.stringify({ email, password: PASSWORD });
      const sent = `Content-Length: ${body.length}`;
      let logins = 0;
      await inParallel(NASTY_STRINGS, async (nasty) => {
        const value = nasty.slice(0, 1000);
        const headers = [
          'Referer',
          'Accept',
          'Accept-Language',
          'X-Request-Id',
          'X-Forwarded-For',
          'Forwarded',
          'X-Real-IP',
          'User-Agent',
        ].map((name) => `${name}: ${value}`);
        headers.push('Connection: close');
        const credentials = [`Authorization: ${value}`, `Cookie: session=${value}`, `X-CSRF-Token: ${value}`];
        for (const bytes of [
          request('GET /api/auth/profile', [...headers, ...credentials]),
          request('POST /api/auth/logout', [
            ...headers,
            `Authorization: Bearer ${value}`,
            `Origin: ${value}`,
          ]),
          request(`POST ${LOGIN}`, ['Connection: close', `Content-Type: ${value}`, sent], body),
        ])
          expectHarmless(nasty, await ask(bytes));
        const answer = await ask(
          request(`POST ${LOGIN}`, [...headers, 'Content-Type: application/json', sent], body),
        );
        expectHarmless(nasty, answer);
        if (answer.status === 200) logins++;
      });
      // All but those with control characters, which end at the parser.
      expect(logins).toBeGreaterThan(100);
      const { token: own } = await login(app, { email, password: PASSWORD });
      const { status } = await app.http.get('/api/auth/sessions', { token: own });
      expect(status).toBe(200);
    });

    it.each([
      '/%0d%0aSet-Cookie:%20stolen=1',
      '/api/auth/verify/%0d%0aSet-Cookie:%20stolen=1',
      '/verify-email?token=%0d%0aSet-Cookie:%20stolen=1',
      '/docs/%0d%0a%0d%0a<script>',
      '/assets/%E5%98%8A%E5%98%8DSet-Cookie:%20stolen=1',
      '/api/status?%0aSet-Cookie:stolen=1',
    ])('make no header of %s', async (target) => {
      const { head, headers } = await ask(
        request(`GET ${target}`, ['Connection: close', 'Origin: https://x%0d%0aSet-Cookie:stolen=1']),
      );
      expect(headers.get('set-cookie')).toBeNull();
      expect(head).not.toContain('stolen');
    });

    const ask = (bytes: string) => exchange(app.http.baseUrl, Buffer.from(bytes, 'utf8'), 10_000);
  });

  describe('an email address', () => {
    const register = (email: unknown) =>
      app.http.post<Refusal & { user?: { email: string } }>('/api/auth/register', {
        email,
        password: PASSWORD,
      });

    it.each([
      '"ada"@example.org',
      '"a b"@example.org',
      '"\\n"@example.org',
      '"x <a@evil.example>"@example.org',
      'ada(comment)@example.org',
      'ada@(comment)example.org',
      'Ada <ada@example.org>',
      '<ada@example.org>',
      'friends: ada@example.org, bob@example.org;',
      'ada@example.org,bob@example.org',
      'ada@example.org;bob@example.org',
      '@evil.example:ada@example.org',
      'ada@bob@example.org',
      'ada@example.org@evil.example',
      'ada@example.org ',
      ' ada@example.org',
      'ada @example.org',
      'ada@example.org\n',
      'ada\r\n@example.org',
      'ada@example.org\r\nBcc: evil@evil.example',
      'ada@exam\u0000ple.org',
      'a\tda@example.org',
      '\u0000ada@example.org',
      '.ada@example.org',
      'ada.@example.org',
      'a..da@example.org',
      '@example.org',
      'ada@',
      'ada',
      '',
      'ada@localhost',
      'ada@example',
      'ada@.example.org',
      'ada@example.org.',
      'ada@example..org',
      'ada@-example.org',
      'ada@example-.org',
      'ada@exa_mple.org',
      'ada@exa mple.org',
      'ada@[127.0.0.1]',
      'ada@[IPv6:::1]',
      'ada@127.0.0.1',
      'ada@0x7f.1',
      'ada@2130706433',
      'ada@example.123',
      'ada@example.org:25',
      'ada@example.org/x',
      'ada@example.org?x',
      'ada@example.org#x',
      'ada%evil.example@',
      'mailto:ada@example.org',
      `${'a'.repeat(65)}@example.org`,
      `ada@${'a'.repeat(64)}.org`,
      `ada@${'a.'.repeat(124)}org`,
      `ada@${'ü'.repeat(60)}.org`,
      // Look-alikes of the characters that hold an address together.
      'ada\uFF20example.org',
      'ada\uFE6Bexample.org',
      'ada@example\uFF0Eorg',
      'ada@example\u3002org',
      'ada@example\u2024org',
      'ada@evil.example\u2044.org',
      'ada@evil.example\uFF03.org',
      // Not ASCII before the @.
      'adä@example.org',
      'ada\u0301@example.org',
      'ıda@example.org',
      'İda@example.org',
      '\u212Ada@example.org',
      'stra\u00DFe@example.org',
      'ａda@example.org',
      'a\u200Dda@example.org',
      'a\u00ADda@example.org',
      'а@example.org',
      '😀@example.org',
      'ada\ud800@example.org',
      // Domains that IDNA would take for others.
      'ada@ｅxample.org',
      'ada@\u212Aelvin.org',
      'ada@ﬁ.org',
      'ada@ⅷ.org',
      'ada@exa\u00ADmple.org',
      'ada@exa\u200Bmple.org',
      'ada@exa\uFE0Fmple.org',
      'ada@exa\u034Fmple.org',
      'ada@exa\u202Emple.org',
      'ada@xn--a.org',
      'ada@xn--example-.org',
      'ada@example.xn--',
      'ada@exa\udc00mple.org',
    ])('is none: %j', async (email) => {
      const { status, body } = await register(email);
      expect([status, body.errors]).toEqual([
        400,
        [{ field: 'email', code: 'invalid_email', message: 'must be an email address' }],
      ]);
    });

    it.each([
      ['Ada.Lovelace+tag@Example.ORG', 'Ada.Lovelace+tag@example.org'],
      ["o'brien=1_2-3@a-b.example", "o'brien=1_2-3@a-b.example"],
      ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
      ['ada1@BÜCHER.example', 'ada1@xn--bcher-kva.example'],
      ['ada2@bu\u0308cher.example', 'ada2@xn--bcher-kva.example'],
      ['ada3@XN--BCHER-KVA.example', 'ada3@xn--bcher-kva.example'],
      ['ada@straße.example', 'ada@xn--strae-oqa.example'],
      ['ada@例え.テスト', 'ada@xn--r8jz45g.xn--zckzah'],
      [`${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
      [`b@${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(57)}.io`, undefined],
    ])('%j is stored with its domain in ASCII', async (email, stored = email) => {
      const { status, body } = await register(email);
      expect([status, body.user?.email]).toEqual([201, stored]);
    });

    it('of 254 characters is one, of 255 none', async () => {
      const domain = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(59)}.org`;
      const ofLength = (length: number) => `${'a'.repeat(length - domain.length - 1)}@${domain}`;
      expect((await register(ofLength(255))).status).toBe(400);
      expect((await register(ofLength(254))).status).toBe(201);
    });

    it.each([
      ['grace@example.org', 'GRACE@example.org'],
      ['hopper@example.org', 'hopper@EXAMPLE.ORG'],
      ['mixed@bücher.example', 'Mixed@XN--BCHER-KVA.EXAMPLE'],
    ])('%s and %s are one account, under one unique index', async (first, second) => {
      expect((await register(first)).status).toBe(201);
      const answers = await Promise.all(Array.from({ length: 10 }, () => register(second)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 409));
      const rows = await app.database.query('SELECT 1 FROM users WHERE email_canonical = lower($1)', [
        first.replace('bücher', 'xn--bcher-kva'),
      ]);
      expect(rows).toHaveLength(1);
    });

    // CVE-2019-19844: a reset asked for the look-alike was sent to the attacker's or the owner's account.
    it.each([
      ['kate@example.org', '\u212Aate@example.org'],
      ['mike@example.org', 'mıke@example.org'],
      ['irene@example.org', 'İrene@example.org'],
      ['strasse@example.org', 'straße@example.org'],
      ['fine@example.org', 'ﬁne@example.org'],
      ['width@example.org', 'ｗidth@example.org'],
      ['ada@kelvin.example', 'ada@\u212Aelvin.example'],
      ['ada@wide.example', 'ada@ｗide.example'],
      ['ada@firm.example', 'ada@ﬁrm.example'],
      ['ada@strasse2.example', 'ada@straße2.example'],
      ['ada@istanbul.example', 'ada@ıstanbul.example'],
      ['ada@pay.example', 'ada@pаy.example'],
    ])('%s is never reached as %s', async (real, alike) => {
      expect((await register(real)).status).toBe(201);
      // Of the account itself it would say that the address is not verified.
      const wrong = await app.http.post<Refusal>(LOGIN, { email: alike, password: PASSWORD });
      expect([400, 401]).toContain(wrong.status);
      // As an account of its own or not at all, but never as that one's.
      const { status, body } = await register(alike);
      if (status === 201) expect(body.user!.email).not.toBe(real);
      else expect([status, body.code]).toEqual([400, 'validation_failed']);
    });
  });

  describe('a name', () => {
    it.each([
      ['a NUL', 'Ada\0'],
      ['a line break', 'Ada\nLovelace'],
      ['a carriage return', 'Ada\rLovelace'],
      ['an escape', 'Ada\x1b[31m'],
      ['a lone surrogate', 'Ada\ud83d'],
      ['a line separator', 'Ada\u2028'],
      ['reversed text', 'Ada\u202E'],
      ['a C1 control', 'Ada\u0085'],
    ])('with %s is refused', async (_what, name) => {
      const { status, body } = await app.http.put<Refusal>('/api/auth/profile', { name }, { token });
      expect([status, body.errors]).toMatchObject([400, [{ field: 'name', code: 'invalid_characters' }]]);
    });

    it.each([
      ['100 letters', 'é'.repeat(100), 200],
      ['100 emoji', '😀'.repeat(100), 200],
      ['100 characters with selectors', 'a\uFE0F'.repeat(50), 200],
      ['102 characters with selectors', 'a\uFE0F'.repeat(51), 400],
      ['101 letters', 'é'.repeat(101), 400],
    ])('of %s: counted as the database counts', async (_what, name, expected) => {
      const { status } = await app.http.put('/api/auth/profile', { name }, { token });
      expect(status).toBe(expected);
    });
  });

  it('leaves the service as it was', async () => {
    expect((await app.http.get('/health')).status).toBe(200);
    expect((await app.http.get('/api/auth/profile', { token })).status).toBe(200);
  });
});

/** JSON values that a field of this schema must not take. */
function valuesOfOtherTypes({ type, nullable }: FieldSchema, example: unknown): unknown[] {
  const values: unknown[] = [
    null,
    true,
    false,
    0,
    1,
    -1.5,
    1e308,
    '',
    'true',
    [],
    [null],
    [example],
    [[example]],
    {},
    { 0: example },
    { $gt: '' },
    { length: 5, toString: 'x' },
    { a: { b: { c: [1] } } },
  ];
  return values.filter((value) => {
    if (value === null) return !nullable;
    return typeof value !== type;
  });
}

function expectHarmless(
  nasty: string,
  { status, headers, body }: { status?: number; headers: Headers; body: unknown },
): void {
  // `undefined`: closed without an answer, which is what the parser does not do either.
  expect([nasty, status! >= 200 && status! < 500, status]).toEqual([nasty, true, status]);
  // Parts of ordinary words, and what may be the id of a request.
  if (nasty.length < 6 || /^[\w.-]+$/.test(nasty)) return;
  for (const value of headers.values()) expect(value).not.toContain(nasty);
  if (status! < 400) return;
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  expect(text).not.toContain(nasty);
  expect(text).not.toContain(JSON.stringify(nasty).slice(1, -1));
}

/** Twenty at a time. */
async function inParallel<T>(items: T[], use: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      while (waiting.length > 0) await use(waiting.shift()!);
    }),
  );
}
