import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unverified } from '../support/actors';
import { TestApp } from '../support/app';

const PAGES = ['/verify-email', '/reset-password', '/confirm-email', '/not-me'];
const ASSETS = readdirSync(join(__dirname, '../../web/static/assets')).map((file) => `/assets/${file}`);
const CONTENT_TYPES: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'application/javascript; charset=utf-8',
};

describe('pages behind mailed links', () => {
  let app: TestApp;
  const open = (path: string, method = 'GET') => app.http.send<string>(method, path, undefined);

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  describe.each(PAGES)('%s', (path) => {
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

    it('has nothing inline, nothing foreign, and no form before its script runs', async () => {
      const { body } = await open(path);
      expect(body).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:|https?:/);
      // Without the script, a form would put the password into the address.
      expect(body).toMatch(/<form [^>]*method="post"[^>]* hidden>/);
      expect(body).not.toMatch(/<form [^>]*action=/);
    });

    it('refers to what is there only', async () => {
      const { body } = await open(path);
      const ids = new Set([...body.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!));
      const references = [...body.matchAll(/\s(?:for|aria-controls|aria-describedby)="([^"]+)"/g)];
      for (const id of references.flatMap(([, named]) => named!.split(' '))) expect(ids).toContain(id);

      const pending = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, asset]) => asset!);
      expect(pending).toHaveLength(2);
      for (let asset = pending.pop(); asset; asset = pending.pop()) {
        const { status, headers, body: source } = await open(asset);
        expect([asset, status, headers.get('content-type')]).toEqual([
          asset,
          200,
          CONTENT_TYPES[asset.split('.').pop()!],
        ]);
        for (const [, file] of source.matchAll(/from '\.\/([\w.-]+)'/g)) pending.push(`/assets/${file}`);
        for (const [, id] of source.matchAll(/getElementById\('(\w+)'\)/g)) expect(ids).toContain(id);
      }
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
  });

  it.each(ASSETS)('%s has no markup from strings, which is how texts become scripts', async (asset) => {
    const { body } = await open(asset);
    expect(body).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/);
  });

  it('are the same page whatever is in the query, and use up no token that is there', async () => {
    const { email } = await unverified(app);
    const { token } = await app.mailbox.waitFor(email);
    for (const path of PAGES) {
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
    for (const path of PAGES)
      expect((await open(`${path}?token=<script>marker</script>`)).body).not.toContain('marker');
  });

  it('GET /assets/nothing.js is 404 not_found', async () => {
    const { status, body } = await app.http.get('/assets/nothing.js');
    expect([status, body.code]).toEqual([404, 'not_found']);
  });
});
