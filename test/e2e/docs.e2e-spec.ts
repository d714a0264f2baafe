import { TestApp } from '../support/app';

describe('documentation and pages', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  it.each([
    '/docs',
    '/docs/swagger-ui-bundle.js',
    '/docs/swagger-ui.css',
    '/openapi.json',
    '/openapi.yaml',
    '/verify-email',
    '/docs/docs.css',
    '/docs/docs.js',
    '/docs/icon.svg',
  ])('GET %s is served', async (path) => {
    expect((await app.http.get(path)).status).toBe(200);
  });

  it.each(['/docs', '/verify-email', '/api/status', '/nothing'])(
    'GET %s carries the strict security headers',
    async (path) => {
      const { headers } = await app.http.get(path);
      const policy = headers.get('content-security-policy')!;
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-powered-by')).toBeNull();
    },
  );

  it('the page behind the mailed link has no inline script or style', async () => {
    const { body } = await app.http.get<string>('/verify-email');
    expect(body).not.toMatch(/<script(?![^>]*src=)|<style|style=|onclick=/);
  });
});
