import { login, verified } from '../support/actors';
import { Browsing } from './support/browsing';

describe('Swagger UI under the strict policy', () => {
  let browsing: Browsing;

  beforeAll(async () => {
    browsing = await Browsing.start();
  });
  afterAll(() => browsing.close());

  it('makes an authorised call', async () => {
    const actor = await verified(browsing.app);
    const { token } = await login(browsing.app, actor);
    const page = await browsing.open('/docs');
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    await page.getByLabel('auth-bearer-value').fill(token);
    const bearer = page.locator('form', { hasText: 'http, Bearer' });
    await bearer.getByRole('button', { name: 'Apply credentials' }).click();
    await page.getByRole('button', { name: 'Close' }).last().click();

    const operation = page.locator('.opblock', { hasText: 'Read the own profile' });
    await operation.locator('.opblock-summary-control').click();
    const [response] = await Promise.all([
      page.waitForResponse('**/api/auth/profile'),
      operation.getByRole('button', { name: 'Execute' }).click(),
    ]);
    expect(response.status()).toBe(200);
    await operation.locator('.live-responses-table').getByText(actor.email).waitFor();
    browsing.assertNoTrouble();
  });
});
