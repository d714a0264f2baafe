import { Notifications } from '../../src/database/notifications';
import { TestApp } from '../support/app';
import { PROJECT } from '../../src/common/project';

describe('health', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
    // It begins to listen when it starts, and nothing waits for that.
    while (!app.nest.get(Notifications).isListening) await new Promise((resolve) => setTimeout(resolve, 10));
  });
  afterAll(() => app.close());

  it('GET /health reports database, migrations and mail queue', async () => {
    const { status, body } = await app.http.get('/health');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'ok',
      details: {
        database: { status: 'up' },
        migrations: { status: 'up' },
        listener: { status: 'up' },
        mailQueue: { status: 'up', waiting: 0 },
      },
    });
  });

  it('GET /health/live touches nothing', async () => {
    const { status, body } = await app.http.get('/health/live');
    expect([status, body.status]).toEqual([200, 'ok']);
  });

  it('GET /health/ready covers database, migrations and listener', async () => {
    const { status, body } = await app.http.get('/health/ready');
    expect(status).toBe(200);
    expect(Object.keys(body.details as object)).toEqual(['database', 'migrations', 'listener']);
  });

  it('is not ready while a migration is pending', async () => {
    const behind = await TestApp.start();
    await behind.database.query('DELETE FROM migrations WHERE id = (SELECT max(id) FROM migrations)');
    const { status, body } = await behind.http.get('/health/ready');
    expect(status).toBe(503);
    expect(body).toMatchObject({ error: { migrations: { status: 'down', message: '1 pending' } } });
    await behind.close();
  });

  it('is degraded and goes on being ready while it cannot hear other replicas', async () => {
    const deaf = await TestApp.start({
      env: { DATABASE_DIRECT_URL: 'postgres://nobody@127.0.0.1:1/nothing' },
    });
    const { status, body } = await deaf.http.get('/health/ready');
    expect([status, body.status]).toEqual([200, 'degraded']);
    expect(body.details).toMatchObject({ listener: { status: 'degraded' } });
    await deaf.close();
  });

  it('GET /api/status says what runs here and nothing secret', async () => {
    const { body } = await app.http.get('/api/status');
    expect(body).toEqual({
      name: 'gatehouse',
      version: PROJECT.version,
      uptime: expect.any(Number),
      node: process.version,
    });
  });
});
