import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PAGE_PATHS } from '../../src/pages/pages';
import { unverified } from '../support/actors';
import { TestApp } from '../support/app';

const WEB = join(__dirname, '../../web');
const BUILT = readdirSync(join(WEB, 'dist/assets'));
const ASSETS = BUILT.filter((file) => !/\.(br|gz)$/.test(file)).map((file) => `/assets/${file}`);
const FOR_EVER = 'public, max-age=31536000, immutable';
const BROWSER = { headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

const MOST_SCRIPT = 120_000;

describe('pages for people', () => {
  let app: TestApp;
  const open = (path: string, method = 'GET', headers: Record<string, string> = BROWSER.headers) =>
    app.http.send<string>(method, path, undefined, { headers });

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  describe.each(PAGE_PATHS)('%s', (path) => {
    it('is HTML under the strict policy, checked anew each time', async () => {
      const { status, headers } = await open(path);
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(headers.get('cache-control')).toBe('no-cache');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      const policy = headers.get('content-security-policy')!;
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
      ])
        expect(policy.split(';')).toContain(rule);
      expect(policy).not.toContain('unsafe');
    });

    it('answers HEAD like GET, without the page', async () => {
      const [get, head] = [await open(path), await open(path, 'HEAD')];
      expect([head.status, head.body]).toEqual([200, undefined]);
      for (const name of ['content-type', 'content-length', 'content-security-policy', 'cache-control'])
        expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
    });

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('answers %s with 405 method_not_allowed', async (method) => {
      const { status, headers, body } = await app.http.send<{ code: string }>(method, path, undefined);
      expect([status, body.code]).toEqual([405, 'method_not_allowed']);
      expect(headers.get('allow')).toBe('GET, HEAD');
    });

    it('is known to the script that shows it', () => {
      expect(readFileSync(join(WEB, 'src/app.tsx'), 'utf8')).toContain(`'${path}': `);
    });
  });

  it('have nothing inline and nothing foreign, and no form before the script runs', async () => {
    const { body } = await open('/');
    expect(body).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:|https?:|<form/);
  });

  it('load what is there, by names that change with the content and may be kept for ever', async () => {
    const { body } = await open('/login');
    const links = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links.map((link) => link.replace(/-[\w-]{8}\./, '-….')).sort()).toEqual([
      '/assets/brand-….css',
      '/assets/index-….css',
      '/assets/index-….js',
      '/assets/logo-….svg',
    ]);
    for (const link of links) {
      const { status, headers } = await open(link);
      expect([link, status, headers.get('cache-control')]).toEqual([link, 200, FOR_EVER]);
      expect(headers.get('content-type')).toMatch(
        /^(text\/css|text\/javascript|application\/javascript|image\/svg)/,
      );
    }
  });

  it.each(ASSETS)('%s comes compressed to those who take it', async (asset) => {
    for (const encoding of ['br', 'gzip']) {
      const { headers, status } = await open(asset, 'HEAD', { 'Accept-Encoding': encoding });
      expect([status, headers.get('content-encoding'), headers.get('cache-control')]).toEqual([
        200,
        encoding,
        FOR_EVER,
      ]);
      expect(headers.get('vary')).toBe('accept-encoding');
      expect(headers.get('content-type')).not.toMatch(/octet-stream|gzip|brotli/);
    }
    const { headers } = await open(asset, 'HEAD', { 'Accept-Encoding': 'identity' });
    expect(headers.get('content-encoding')).toBeNull();
    for (const ending of ['br', 'gz']) expect((await open(`${asset}.${ending}`)).status).toBe(404);
  });

  it(`weigh less than ${MOST_SCRIPT / 1000} kB of script, compressed with gzip`, () => {
    const scripts = ASSETS.filter((asset) => extname(asset) === '.js');
    const weights = scripts.map((asset) => gzipSync(readFileSync(join(WEB, 'dist', asset))).length);
    expect(scripts.length).toBeGreaterThan(0);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThan(MOST_SCRIPT);
  });

  it('make no markup of strings, which is how texts become scripts', () => {
    const sources = readdirSync(join(WEB, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.tsx?$/.test(file),
    );
    expect(sources.length).toBeGreaterThan(20);
    for (const file of sources)
      expect(readFileSync(join(WEB, 'src', file), 'utf8')).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|style=/i,
      );
  });

  it('are the same page whatever is in the query, and use up no token that is there', async () => {
    const { email } = await unverified(app);
    const { token } = await app.mailbox.waitFor(email);
    for (const path of PAGE_PATHS) {
      expect((await open(`${path}?token=${token}`)).body).toBe((await open(path)).body);
      for (const method of ['HEAD', 'OPTIONS']) await open(`${path}?token=${token}`, method);
    }
    const [user] = await app.database.query('SELECT email_verified_at AS at FROM users WHERE email = $1', [
      email,
    ]);
    expect(user).toEqual({ at: null });
    expect((await app.http.post('/api/auth/verify', { token })).status).toBe(200);
  });

  it('show nothing of what is in the address', async () => {
    for (const path of [...PAGE_PATHS, '/nothing'])
      expect((await open(`${path}?token=<script>marker</script>`)).body).not.toContain('marker');
  });

  describe('what is not there', () => {
    it.each(['/nothing', '/account/nothing', '/login/'])(
      '%s is a page that says so, in a browser',
      async (path) => {
        for (const method of ['GET', 'HEAD']) {
          const { status, headers } = await open(path, method);
          expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
            404,
            'text/html; charset=utf-8',
            'no-store',
          ]);
        }
      },
    );

    it.each(['/nothing', '/assets/nothing.js', '/api/nothing'])(
      '%s is 404 not_found to programs',
      async (path) => {
        const { status, body } = await app.http.get(path);
        expect([status, body.code]).toEqual([404, 'not_found']);
      },
    );

    it.each(['/api/nothing', '/assets/nothing.js', '/health/nothing', '/.well-known/nothing'])(
      '%s is for programs, whatever they accept',
      async (path) => {
        const { status, body } = await app.http.get(path, BROWSER);
        expect([status, body.code]).toEqual([404, 'not_found']);
      },
    );

    it('POST /nothing has no page', async () => {
      const { status, body } = await app.http.post('/nothing', {}, BROWSER);
      expect([status, body.code]).toEqual([404, 'not_found']);
    });
  });

  it('GET /.well-known/change-password leads to the form for it', async () => {
    const { status, headers } = await open('/.well-known/change-password');
    expect([status, headers.get('location')]).toEqual([303, '/account#password']);
  });
});

describe('pages with a brand', () => {
  const NAME = `A & B "<script>alert(1)</script>" {{brand}}`;
  let folder: string;
  let app: TestApp;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-brand-'));
    const logo = join(folder, 'logo.png');
    writeFileSync(logo, 'the logo');
    app = await TestApp.start({
      env: { BRAND_NAME: NAME, BRAND_ACCENT: '#FFD400', BRAND_LOGO: logo, PASSWORD_POLICY: 'nist' },
    });
  });
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  const page = async () => (await app.http.get<string>('/login')).body;

  it('have its name, escaped, in the title and in the settings of the script', async () => {
    const html = await page();
    expect(html).not.toContain('<script>');
    expect(textIn(html, /<title>(.*?)<\/title>/)).toBe(NAME);
    expect(JSON.parse(textIn(html, /name="settings" content="(.*?)"/))).toEqual({
      brand: NAME,
      logo: expect.stringMatching(/^\/assets\/logo-[\w-]{8}\.png$/) as unknown,
      passwordPolicy: 'nist',
      hasMailbox: false,
    });
  });

  it('serve its logo themselves', async () => {
    const logo = textIn(await page(), /rel="icon" href="(.*?)"/);
    const { status, headers, body } = await app.http.get<string>(logo);
    expect([status, headers.get('content-type'), headers.get('cache-control'), body]).toEqual([
      200,
      'image/png',
      FOR_EVER,
      'the logo',
    ]);
  });

  it('have its accent, with text on it that can be read', async () => {
    const stylesheet = textIn(await page(), /rel="stylesheet" href="(\/assets\/brand.*?)"/);
    const { body, headers } = await app.http.get<string>(stylesheet);
    expect(headers.get('content-type')).toBe('text/css; charset=utf-8');
    // Yellow is too pale for light pages; on it stands black.
    expect(body).toMatch(
      /^:root\{--accent:light-dark\(#[\da-f]{6},#ffd400\);--on-accent:light-dark\(#000000,#000000\);/,
    );
  });

  it('name themselves at /docs too, and letters do', async () => {
    expect(textIn((await app.http.get<string>('/docs')).body, /<title>(.*?)<\/title>/)).toBe(`${NAME} API`);
    const { email } = await unverified(app);
    const { text } = await app.mailbox.waitFor(email);
    expect(text).toContain(`signing up at ${NAME}`);
  });
});

describe('WEB_PAGES=off', () => {
  const LINKS = {
    VERIFY_URL: 'https://app.example.org/hello?from=mail',
    CONFIRM_EMAIL_URL: 'https://app.example.org/moved',
    RESET_URL: 'https://app.example.org/reset',
    NOT_ME_URL: 'https://app.example.org/not-me',
  };
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ env: { WEB_PAGES: 'off', ...LINKS } });
  });
  afterAll(() => app.close());

  it.each([...PAGE_PATHS, ...ASSETS, '/nothing', '/.well-known/change-password'])(
    'GET %s is 404 not_found',
    async (path) => {
      const { status, body } = await app.http.get(path, BROWSER);
      expect([status, body.code]).toEqual([404, 'not_found']);
    },
  );

  it.each(['/docs', '/docs/docs.js', '/docs/swagger-ui.css', '/api/status', '/openapi.json'])(
    'GET %s belongs to the API',
    async (path) => {
      expect((await app.http.get(path)).status).toBe(200);
    },
  );

  it('letters lead where the variables say', async () => {
    const { email } = await unverified(app);
    const { text, token } = await app.mailbox.waitFor(email);
    expect(text).toContain(`${LINKS.VERIFY_URL}#token=${token}`);
    await app.http.post('/api/auth/verify', { token });
    await app.http.post('/api/auth/reset-request', { email });
    const reset = await app.mailbox.waitFor(email, 2);
    expect(reset.text).toContain(`${LINKS.RESET_URL}#token=${reset.token}`);
    await app.http.post('/api/auth/reset-confirm', {
      token: reset.token,
      password: 'another horse 8 battery!',
    });
    const notice = await app.mailbox.waitFor(email, 3);
    expect(notice.text).toContain(`${LINKS.NOT_ME_URL}#token=`);
  });
});

/** What a browser reads there. */
function textIn(html: string, place: RegExp): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };
  return place
    .exec(html)![1]!
    .replace(/&(?:#x([\dA-F]+)|(\w+));/gi, (_entity, code: string | undefined, name: string) =>
      code ? String.fromCodePoint(parseInt(code, 16)) : entities[name]!,
    );
}
