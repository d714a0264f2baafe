import { Client } from 'pg';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';

describe('profile', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const update = (body: unknown, token?: string) => app.http.put('/api/auth/profile', body, { token });

  describe('GET /api/auth/profile', () => {
    it('answers with the own account', async () => {
      const { token, id, email } = await loggedIn(app);
      const { status, body } = await app.http.get('/api/auth/profile', { token });
      expect(status).toBe(200);
      expect(body).toMatchObject({ id, email, name: null, emailVerified: true, isActive: true });
    });

    it('answers 401 once the account is gone, sessions and all', async () => {
      const { token, id } = await loggedIn(app);
      // By hand, so the replicas have to be told, as docs/operations.md says.
      const gone = await app.database.query<{ id: string }>(
        'DELETE FROM sessions WHERE user_id = $1 RETURNING id',
        [id],
      );
      await app.database.query('DELETE FROM users WHERE id = $1', [id]);
      for (const session of gone)
        await app.database.query(`SELECT pg_notify('session_revoked', $1)`, [session.id]);
      const deadline = Date.now() + 1_000;
      let answer: unknown;
      do {
        const { status, body } = await app.http.get('/api/auth/profile', { token });
        answer = [status, body.code];
      } while ((answer as [number])[0] !== 401 && Date.now() < deadline);
      expect(answer).toEqual([401, 'session_revoked']);
    });
  });

  describe('read again', () => {
    let replica: TestApp;

    beforeAll(async () => {
      replica = await TestApp.start({ database: app.database, clock: app.clock });
    });
    afterAll(() => replica.close());

    const nameOn = async ({ http }: TestApp, token: string) =>
      (await http.get<{ name: string }>('/api/auth/profile', { token })).body.name;

    it('asks the database nothing', async () => {
      const { token } = await loggedIn(app);
      await update({ name: 'Ada' }, token);
      // The echo of the change may still be on its way, and has the first reading forgotten.
      for (let round = 0; round < 5; round++) expect(await nameOn(app, token)).toBe('Ada');
      const holder = new Client({ connectionString: app.database.url });
      await holder.connect();
      await holder.query('BEGIN; LOCK TABLE users, sessions');
      const start = performance.now();
      expect(await nameOn(app, token)).toBe('Ada');
      expect(performance.now() - start).toBeLessThan(1_000);
      await holder.end();
    });

    it('is never behind an answered change, and on the other replica soon not either', async () => {
      const { token } = await loggedIn(app);
      for (let round = 1; round <= 50; round++) {
        const name = `Ada ${round}`;
        // Read all the time, so that a reading is under way whenever the change is committed.
        const changed = new AbortController();
        const readers = [app, replica].map(async (each) => {
          while (!changed.signal.aborted) await nameOn(each, token);
        });
        await update({ name }, token);
        expect(await nameOn(app, token)).toBe(name);
        changed.abort();
        await Promise.all(readers);
        const deadline = Date.now() + 1_000;
        while ((await nameOn(replica, token)) !== name) expect(Date.now()).toBeLessThan(deadline);
        expect(await nameOn(app, token)).toBe(name);
      }
    });

    it('hears of changes by other processes', async () => {
      const { token, email } = await loggedIn(app);
      expect(await nameOn(app, token)).toBeNull();
      await app.database.query(`UPDATE users SET name = 'elsewhere' WHERE email = $1`, [email]);
      await app.database.query(`SELECT pg_notify('user_changed', id::text) FROM users WHERE email = $1`, [
        email,
      ]);
      const deadline = Date.now() + 1_000;
      while ((await nameOn(app, token)) !== 'elsewhere') expect(Date.now()).toBeLessThan(deadline);
    });
  });

  describe('PUT /api/auth/profile', () => {
    it('changes the name, and null removes it', async () => {
      const { token } = await loggedIn(app);
      expect((await update({ name: '  Ada Lovelace ' }, token)).body.name).toBe('Ada Lovelace');
      expect((await app.http.get('/api/auth/profile', { token })).body.name).toBe('Ada Lovelace');
      expect((await update({ name: null }, token)).body.name).toBeNull();
    });

    it.each([
      ['nothing', {}, 'name', 'required'],
      ['a number', { name: 7 }, 'name', 'not_a_string'],
      ['another address', { name: 'Ada', email: 'x@example.org' }, 'email', 'unknown_field'],
      ['its own verification', { name: 'Ada', emailVerified: true }, 'emailVerified', 'unknown_field'],
      ['NUL', { name: 'A\u0000da' }, 'name', 'invalid_characters'],
    ])('refuses %s', async (_, body, field, code) => {
      const { token } = await loggedIn(app);
      const answer = await update(body, token);
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toContainEqual(expect.objectContaining({ field, code }));
    });

    it('changes nobody else', async () => {
      const [mine, yours] = [await loggedIn(app), await loggedIn(app)];
      await update({ name: 'Mine' }, mine.token);
      expect((await app.http.get('/api/auth/profile', { token: yours.token })).body.name).toBeNull();
    });

    it('answers 401 without a session', async () => {
      expect((await update({ name: 'Ada' })).status).toBe(401);
    });
  });
});
