import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { Wire } from '../support/wire';

describe('a network to the database that died without a word', () => {
  let database: TestDatabase;
  let wire: Wire;
  let app: TestApp;

  beforeAll(async () => {
    database = await createDatabase();
    wire = await Wire.to(database.url);
    app = await TestApp.start({ database: { ...database, url: wire.url } });
  });
  afterAll(async () => {
    wire.mend();
    await app.close();
    await wire.stop();
    await database.drop();
  });

  it('costs one time-out of 6 s and no second one for the rollback', async () => {
    const { token } = await loggedIn(app);
    const rename = async (name: string) => {
      const since = performance.now();
      const { status, body } = await app.http.put<{ code: string }>('/api/auth/profile', { name }, { token });
      return { status, code: body.code, ms: performance.now() - since };
    };
    expect(await rename('Ada')).toMatchObject({ status: 200 });
    wire.silence();
    const first = await rename('Bea');
    expect(first).toMatchObject({ status: 503, code: 'unavailable' });
    expect(first.ms).toBeLessThan(8_500);
  });
});
