import { GatheringClient } from '../../src/database/gathering-client';
import { loggedIn, login, verified } from '../support/actors';
import { TestApp } from '../support/app';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

interface Item {
  id: string;
  action: string;
  createdAt: string;
  device: string | null;
  ip: string | null;
  userAgent: string | null;
  sessionId: string | null;
  current: boolean;
}

interface Page {
  items: Item[];
  nextCursor: string | null;
}

interface Refusal {
  code: string;
  errors: { field: string; code: string }[];
}

describe('activity', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const list = (token: string, query = '') => app.http.get<Page>(`/api/auth/activity${query}`, { token });

  /** All pages, one after another. */
  const listAll = async (token: string, limit: number) => {
    const items: Item[] = [];
    for (let cursor = ''; ;) {
      const { status, body } = await list(token, `?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(limit);
      expect(body.items.length).toBeGreaterThan(0);
      items.push(...body.items);
      if (body.nextCursor === null) return items;
      expect(body.items).toHaveLength(limit);
      cursor = body.nextCursor;
    }
  };

  /** Events of the past, written behind the service's back: reading them is what is tested. */
  const fill = (userId: string, count: number, step = '1 second') =>
    app.database.query(
      `INSERT INTO audit_events (id, action, user_id, created_at, mac)
       SELECT gen_random_uuid(), 'login.failed', $1, now() - interval '1 hour' - n * $3::interval, ''
       FROM generate_series(1, $2::int) AS n`,
      [userId, count, step],
    );

  describe('GET /api/auth/activity', () => {
    it('shows what happened, the latest first: when, from where, with what, in which session', async () => {
      const actor = await verified(app);
      await app.http.post('/api/auth/login', { email: actor.email, password: 'wrong' });
      const { body } = await app.http.post<{ access_token: string }>(
        '/api/auth/login',
        { email: actor.email, password: actor.password },
        { headers: { 'User-Agent': FIREFOX } },
      );
      const { status, body: page, headers } = await list(body.access_token);
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(page.items.map(({ action }) => action)).toEqual([
        'login.succeeded',
        'login.failed',
        'email.verified',
        'account.registered',
      ]);
      const [latest] = page.items;
      expect(latest).toMatchObject({
        device: 'Firefox on Windows',
        userAgent: FIREFOX,
        ip: '127.0.0.1',
        current: true,
      });
      expect(Math.abs(Date.parse(latest!.createdAt) - Date.now())).toBeLessThan(30_000);
      expect(page.items.slice(1).map(({ current }) => current)).toEqual([false, false, false]);
      expect(page.nextCursor).toBeNull();
      expect(Object.keys(latest!).sort()).toEqual(
        ['action', 'createdAt', 'current', 'device', 'id', 'ip', 'sessionId', 'userAgent'].sort(),
      );
    });

    it('marks the session that asks, and only that', async () => {
      const actor = await loggedIn(app);
      const other = await login(app, actor);
      const { body } = await list(actor.token);
      const logins = body.items.filter(({ action }) => action === 'login.succeeded');
      expect(logins.map(({ current }) => current)).toEqual([false, true]);
      const seenByOther = (await list(other.token)).body.items;
      expect(seenByOther.filter(({ current }) => current).map(({ id }) => id)).toEqual([logins[0]!.id]);
    });

    it("never shows another user's events, nor those of nobody", async () => {
      const actor = await loggedIn(app);
      const other = await loggedIn(app);
      await fill(other.id, 30);
      await app.http.post('/api/auth/reset-request', { email: 'nobody-at-all@example.org' });
      const { cursor } = { cursor: (await list(other.token, '?limit=5')).body.nextCursor! };
      const own = await listAll(actor.token, 2);
      const rows = await app.database.query<{ id: string }>(
        'SELECT id FROM audit_events WHERE user_id = $1 ORDER BY created_at DESC, id DESC',
        [actor.id],
      );
      expect(own.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
      // Another's cursor is a place in time, not a way in.
      const { body } = await list(actor.token, `?cursor=${cursor}`);
      expect(body.items.every(({ id }) => rows.some((row) => row.id === id))).toBe(true);
    });

    it('pages through a long history: every event once, 50 a page unless asked otherwise', async () => {
      const actor = await loggedIn(app);
      await fill(actor.id, 120);
      // Many in the same millisecond: their order is that of their ids.
      await fill(actor.id, 30, '0 seconds');
      const first = await list(actor.token);
      expect([first.body.items.length, first.body.nextCursor]).toEqual([50, expect.any(String)]);
      const whole = await listAll(actor.token, 100);
      expect(whole).toHaveLength(153);
      for (const limit of [1, 7, 51]) expect(await listAll(actor.token, limit)).toEqual(whole);
      expect(new Set(whole.map(({ id }) => id)).size).toBe(153);
      const times = whole.map(({ createdAt }) => createdAt);
      expect(times).toEqual(times.toSorted().toReversed());
    });

    it('does not repeat or skip what was there when something happens between two pages', async () => {
      const actor = await loggedIn(app);
      const before = await listAll(actor.token, 100);
      const first = await list(actor.token, '?limit=2');
      await login(app, actor);
      const second = await list(actor.token, `?limit=100&cursor=${first.body.nextCursor}`);
      expect([...first.body.items, ...second.body.items]).toEqual(before);
    });

    it.each([
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=-1', 'limit'],
      ['limit=1e1', 'limit'],
      ['limit=', 'limit'],
      ['limit=%2050', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=abc', 'cursor'],
      [`cursor=${'A'.repeat(29)}%3D`, 'cursor'],
      [`cursor=${'A'.repeat(200)}`, 'cursor'],
      ['cursor=a&cursor=b', 'cursor'],
      ["cursor=' OR 1=1 --", 'cursor'],
      [`userId=019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11`, 'userId'],
      ['offset=1', 'offset'],
    ])('refuses %s', async (query, field) => {
      const { token } = await known;
      const answer = await app.http.get<Refusal>(`/api/auth/activity?${query}`, { token });
      expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
      expect(answer.body.errors.map((error) => error.field)).toEqual([field]);
      expect(JSON.stringify(answer.body)).not.toContain('AAAAA');
    });
    let known: ReturnType<typeof loggedIn>;
    beforeAll(() => {
      known = loggedIn(app);
    });

    it('takes any 22 bytes for a place, the far past and future included, and never fails', async () => {
      const { token } = await known;
      for (const byte of [0x00, 0x7f, 0xff]) {
        const cursor = Buffer.alloc(22, byte).toString('base64url');
        const { status } = await list(token, `?cursor=${cursor}`);
        expect([byte, [200, 400].includes(status)]).toEqual([byte, true]);
      }
    });

    it('needs a session', async () => {
      expect((await app.http.get('/api/auth/activity')).status).toBe(401);
    });

    it('reads by the index, however many events of others there are', async () => {
      const actor = await loggedIn(app);
      await app.database.query(
        `INSERT INTO audit_events (id, action, user_id, created_at, mac)
         SELECT gen_random_uuid(), 'login.failed', md5((n % 500)::text)::uuid, now() - n * interval '1 second', ''
         FROM generate_series(1, 30000) AS n`,
      );
      await fill(actor.id, 300);
      await app.database.query('ANALYZE audit_events');
      const first = await list(actor.token, '?limit=20');
      const sent = jest.spyOn(GatheringClient.prototype, 'query');
      await list(actor.token, `?limit=20&cursor=${first.body.nextCursor}`);
      const queries = sent.mock.calls.map((call) => call as unknown as [string, unknown[]]);
      sent.mockRestore();
      const now = new Date();
      const nextMonth = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1))
        .toISOString()
        .slice(0, 7)
        .replace('-', '_');
      const [sql, values] = queries.find(([text]) => /FROM "audit_events"/.test(text))!;
      const plan = await app.database.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE) ${sql}`, values);
      const text = plan.map((row) => row['QUERY PLAN']).join('\n');
      expect(text).toMatch(/Index Scan Backward using \w*user_id_created_at_id_idx on audit_events_\d/);
      expect(text).not.toMatch(/Seq Scan|Sort {2}/);
      // Later months are left out.
      expect(text).not.toContain(`audit_events_${nextMonth}`);
    });
  });
});
