import { GatheringClient } from '../../src/database/gathering-client';
import { Transactions } from '../../src/database/transactions';
import { inBrowser, loggedIn, PASSWORD, type LoggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { MINUTE } from '../support/clock';

const NOBODYS = '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11';

interface Task {
  id: string;
  title: string;
  description: string;
  completed: boolean;
  createdAt: string;
  updatedAt: string;
}

interface Page {
  items: Task[];
  nextCursor: string | null;
}

interface Refusal {
  code: string;
  errors: { field: string; code: string }[];
}

describe('tasks', () => {
  let app: TestApp;
  let actor: LoggedIn;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  beforeEach(async () => {
    actor = await loggedIn(app);
  });
  afterAll(() => app.close());

  const path = (id = '') => `/api/users/${actor.id}/tasks${id && `/${id}`}`;
  const create = async (body: object = { title: 'Water the plants' }) => {
    const answer = await app.http.post<Task>(path(), body, { token: actor.token });
    if (answer.status !== 201) throw new Error(`making a task answered ${answer.status}`);
    return answer.body;
  };
  const list = (query = '') => app.http.get<Page>(`${path()}${query}`, { token: actor.token });
  const listAll = async (limit: number) => {
    const items: Task[] = [];
    for (let cursor = ''; ;) {
      const { status, body } = await list(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      expect([status, body.items.length <= limit, body.items.length > 0]).toEqual([200, true, true]);
      items.push(...body.items);
      if (body.nextCursor === null) return items;
      expect(body.items).toHaveLength(limit);
      cursor = body.nextCursor;
    }
  };
  const refusalOf = async (method: string, at: string, body?: unknown) => {
    const answer = await app.http.send<Refusal>(method, at, body, { token: actor.token });
    return [
      answer.status,
      answer.body.code,
      ...(answer.body.errors ?? []).map(({ field, code }) => `${field} ${code}`),
    ];
  };
  /** Written behind the service's back: all in one millisecond, with ids in no order. */
  const fill = (userId: string, count: number) =>
    app.database.query(
      `INSERT INTO tasks (id, user_id, title, description, completed, created_at, updated_at)
       SELECT gen_random_uuid(), $1, 'Task ' || n, '', false, date_trunc('second', now()), now()
       FROM generate_series(1, $2::int) AS n`,
      [userId, count],
    );

  it('are made, read, changed, listed and deleted by their owner', async () => {
    const made = await app.http.post<Task>(
      path(),
      { title: 'Water the plants', description: 'All\nbut the cactus 🌵', completed: false },
      { token: actor.token },
    );
    expect(made.status).toBe(201);
    const now = app.clock.now().toISOString();
    expect(made.body).toEqual({
      id: expect.stringMatching(
        /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
      ) as unknown,
      title: 'Water the plants',
      description: 'All\nbut the cactus 🌵',
      completed: false,
      createdAt: expect.any(String) as unknown,
      updatedAt: made.body.createdAt,
    });
    expect(Math.abs(Date.parse(now) - Date.parse(made.body.createdAt))).toBeLessThan(5_000);
    const at = path(made.body.id);
    expect((await app.http.get(at, { token: actor.token })).body).toEqual(made.body);

    app.clock.advance(MINUTE);
    const changed = await app.http.put<Task>(at, { completed: true }, { token: actor.token });
    expect([changed.status, changed.body]).toEqual([
      200,
      { ...made.body, completed: true, updatedAt: expect.any(String) as unknown },
    ]);
    expect(Date.parse(changed.body.updatedAt)).toBeGreaterThanOrEqual(
      Date.parse(made.body.createdAt) + MINUTE,
    );
    expect((await list()).body).toEqual({ items: [changed.body], nextCursor: null });

    expect(await app.http.delete(at, undefined, { token: actor.token })).toMatchObject({
      status: 204,
      body: undefined,
    });
    for (const method of ['GET', 'DELETE']) expect(await refusalOf(method, at)).toEqual([404, 'not_found']);
    expect(await refusalOf('PUT', at, { title: 'Anew' })).toEqual([404, 'not_found']);
    expect((await list()).body).toEqual({ items: [], nextCursor: null });
  });

  it('are the same by cookie, where changing them needs the CSRF token', async () => {
    const headers = await inBrowser(app, actor);
    const made = await app.http.post<Task>(path(), { title: 'By cookie' }, { headers });
    expect(made.status).toBe(201);
    const reading = { headers: { Cookie: headers.Cookie } };
    expect((await app.http.get(path(made.body.id), reading)).body).toEqual(made.body);
    expect((await app.http.get<Page>(path(), reading)).body.items).toEqual([made.body]);
    for (const [method, at, body] of [
      ['POST', path(), { title: 'Forged' }],
      ['PUT', path(made.body.id), { title: 'Forged' }],
      ['DELETE', path(made.body.id), undefined],
    ] as const) {
      const forged = await app.http.send<Refusal>(method, at, body, reading);
      expect([method, forged.status, forged.body.code]).toEqual([method, 403, 'csrf_failed']);
    }
    expect((await app.http.put(path(made.body.id), { completed: true }, { headers })).status).toBe(200);
    expect((await app.http.delete(path(made.body.id), undefined, { headers })).status).toBe(204);
  });

  it('need a session', async () => {
    for (const [method, at] of [
      ['GET', path()],
      ['POST', path()],
      ['GET', path(NOBODYS)],
      ['PUT', path(NOBODYS)],
      ['DELETE', path(NOBODYS)],
      ['GET', `/api/users/${actor.id}`],
    ] as const)
      expect(
        (await app.http.send(method, at, method === 'POST' || method === 'PUT' ? {} : undefined)).status,
      ).toBe(401);
  });

  describe('POST', () => {
    it('needs a title only', async () => {
      expect(await create({ title: 'x' })).toMatchObject({ title: 'x', description: '', completed: false });
    });

    it.each([
      { body: {}, error: 'title required' },
      { body: { title: null }, error: 'title required' },
      { body: { title: 7 }, error: 'title not_a_string' },
      { body: { title: '' }, error: 'title too_short' },
      { body: { title: ' \u3000 ' }, error: 'title too_short' },
      { body: { title: 'a'.repeat(201) }, error: 'title too_long' },
      { body: { title: 'two\nlines' }, error: 'title invalid_characters' },
      { body: { title: 'nul\u0000' }, error: 'title invalid_characters' },
      { body: { title: 'lone \ud800' }, error: 'title invalid_characters' },
      { body: { title: 'x', description: null }, error: 'description required' },
      { body: { title: 'x', description: ['y'] }, error: 'description not_a_string' },
      { body: { title: 'x', description: 'a'.repeat(5001) }, error: 'description too_long' },
      { body: { title: 'x', description: 'nul\u0000' }, error: 'description invalid_characters' },
      { body: { title: 'x', description: '\u202Ereversed' }, error: 'description invalid_characters' },
      { body: { title: 'x', completed: 'true' }, error: 'completed not_a_boolean' },
      { body: { title: 'x', completed: null }, error: 'completed required' },
      { body: { title: 'x', userId: NOBODYS }, error: 'userId unknown_field' },
      { body: { title: 'x', id: NOBODYS }, error: 'id unknown_field' },
      { body: { title: 'x', createdAt: '2020-01-01T00:00:00Z' }, error: 'createdAt unknown_field' },
    ])('refuses $error', async ({ body, error }) => {
      expect(await refusalOf('POST', path(), body)).toEqual([400, 'validation_failed', error]);
    });

    it('takes the longest title and description, in characters of any width', async () => {
      const longest = { title: '🌵'.repeat(200), description: '🌵\n'.repeat(2500) };
      const { id } = await create(longest);
      expect((await app.http.get(path(id), { token: actor.token })).body).toMatchObject(longest);
    });

    it('ends at 10,000 tasks, until one is deleted', async () => {
      await fill(actor.id, 9_999);
      const { id } = await create();
      expect(await refusalOf('POST', path(), { title: 'One more' })).toEqual([409, 'too_many_tasks']);
      const other = await loggedIn(app);
      const theirs = await app.http.post(
        `/api/users/${other.id}/tasks`,
        { title: 'x' },
        { token: other.token },
      );
      expect(theirs.status).toBe(201);
      await app.http.delete(path(id), undefined, { token: actor.token });
      await create();
    });

    it('never meets the deletion of the account half-way', async () => {
      for (let round = 0; round < 3; round++) {
        const leaving = await loggedIn(app);
        const answers = await Promise.all([
          app.http.delete('/api/auth/profile', { password: PASSWORD }, { token: leaving.token }),
          ...Array.from({ length: 15 }, () =>
            app.http.post(`/api/users/${leaving.id}/tasks`, { title: 'x' }, { token: leaving.token }),
          ),
        ]);
        expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
        expect(answers[0]!.status).toBe(204);
        expect(await app.database.query('SELECT 1 FROM tasks WHERE user_id = $1', [leaving.id])).toEqual([]);
      }
    });
  });

  describe('PUT', () => {
    it('replaces what is given and keeps the rest', async () => {
      const task = await create({ title: 'One', description: 'Two' });
      for (const change of [{ title: 'Three' }, { description: '' }, { completed: true }, {}]) {
        const { status, body } = await app.http.put<Task>(path(task.id), change, { token: actor.token });
        Object.assign(task, change, { updatedAt: body.updatedAt });
        expect([status, body]).toEqual([200, task]);
      }
    });

    it.each([
      { body: { title: '' }, error: 'title too_short' },
      { body: { title: null }, error: 'title required' },
      { body: { description: null }, error: 'description required' },
      { body: { description: 'a'.repeat(5001) }, error: 'description too_long' },
      { body: { completed: 1 }, error: 'completed not_a_boolean' },
      { body: { userId: NOBODYS }, error: 'userId unknown_field' },
    ])('refuses $error and changes nothing', async ({ body, error }) => {
      const task = await create();
      expect(await refusalOf('PUT', path(task.id), body)).toEqual([400, 'validation_failed', error]);
      expect((await app.http.get(path(task.id), { token: actor.token })).body).toEqual(task);
    });
  });

  describe('GET', () => {
    it('lists the newest first, 20 a page unless asked otherwise', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 23; n++) ids.unshift((await create({ title: `Task ${n}` })).id);
      const first = (await list()).body;
      expect([first.items.length, first.nextCursor]).toEqual([20, expect.any(String)]);
      const second = (await list(`?cursor=${first.nextCursor}`)).body;
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
      expect(second.nextCursor).toBeNull();
    });

    it('has every task once on pages of any size, those of one millisecond too', async () => {
      await fill(actor.id, 100);
      const whole = await listAll(100);
      expect(new Set(whole.map(({ id }) => id)).size).toBe(100);
      for (const limit of [1, 7, 99]) expect(await listAll(limit)).toEqual(whole);
    });

    it('neither repeats nor skips what was there when others are made and deleted between two pages', async () => {
      await fill(actor.id, 60);
      const before = await listAll(100);
      const seen: Task[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body }: { body: Page } = await list(`?limit=7${cursor && `&cursor=${cursor}`}`);
        seen.push(...body.items);
        cursor = body.nextCursor;
        const made = await Promise.all(Array.from({ length: 5 }, () => create()));
        await app.http.delete(path(made[0]!.id), undefined, { token: actor.token });
        // The very task that the cursor names may go.
        await app.database.query('DELETE FROM tasks WHERE id = $1', [body.items.at(-1)!.id]);
      }
      const isOld = ({ id }: Task) => before.some((task) => task.id === id);
      expect(seen.filter(isOld)).toEqual(before);
    });

    it.each([
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['cursor=', 'cursor'],
      ['cursor=abc', 'cursor'],
      [`cursor=${'A'.repeat(21)}B`, 'cursor'],
      [`cursor=${'A'.repeat(30)}`, 'cursor'],
      ['cursor=a&cursor=b', 'cursor'],
      [`userId=${NOBODYS}`, 'userId'],
      ['offset=1', 'offset'],
    ])('refuses %s', async (query, field) => {
      const [status, code, error] = await refusalOf('GET', `${path()}?${query}`);
      expect([status, code, String(error).split(' ')[0]]).toEqual([400, 'validation_failed', field]);
    });

    it('reads by the index, however many tasks of others there are', async () => {
      for (let n = 0; n < 20; n++) await fill((await loggedIn(app)).id, 500);
      await fill(actor.id, 500);
      await app.database.query('ANALYZE tasks');
      const first = await list();
      const sent = jest.spyOn(GatheringClient.prototype, 'query');
      await list(`?cursor=${first.body.nextCursor}`);
      const queries = sent.mock.calls.map((call) => call as unknown as [string, unknown[]]);
      sent.mockRestore();
      const [sql, values] = queries.find(([text]) => /FROM "tasks"/.test(text))!;
      const plan = await app.nest
        .get(Transactions)
        .runAs(actor.id, (tx) => tx.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ${sql}`, values));
      const text = plan.map((row) => row['QUERY PLAN']).join('\n');
      expect(text).toMatch(/Index Scan Backward using ix_tasks_user_id_id/);
      expect(text).not.toMatch(/Seq Scan|Sort/);
    });

    it('costs four statements', async () => {
      await list();
      const sent = jest.spyOn(GatheringClient.prototype, 'query');
      await list();
      const statements = sent.mock.calls.map(([sql]) => String(sql)).filter((sql) => !sql.includes('pgboss'));
      sent.mockRestore();
      expect(statements).toEqual([
        'START TRANSACTION',
        expect.stringMatching(/^SELECT set_config\(\$1, \$2, true\), set_config\(\$3, \$4, true\)$/),
        expect.stringMatching(/^SELECT .+ FROM "tasks"/),
        'COMMIT',
      ]);
    });
  });

  describe('of somebody else', () => {
    it('are 403 below their path, whether that user exists or not', async () => {
      const other = await loggedIn(app);
      const { id } = await create();
      const own = actor;
      actor = other;
      for (const userId of [
        own.id,
        NOBODYS,
        'x',
        own.id.toUpperCase(),
        '%20',
        `${other.id}%20`,
        other.id.toUpperCase(),
      ])
        for (const [method, rest, body] of [
          ['GET', '', undefined],
          ['GET', '/tasks', undefined],
          ['POST', '/tasks', { title: 'x' }],
          ['GET', `/tasks/${id}`, undefined],
          ['PUT', `/tasks/${id}`, { title: 'x' }],
          ['DELETE', `/tasks/${id}`, undefined],
        ] as const)
          expect([userId, ...(await refusalOf(method, `/api/users/${userId}${rest}`, body))]).toEqual([
            userId,
            403,
            'forbidden',
          ]);
    });

    it('are 404 below the own path, like those that do not exist and what is no id', async () => {
      const { id } = await create();
      const other = await loggedIn(app);
      actor = other;
      for (const taskId of [id, NOBODYS, 'x', '0', "1'--", `${id}x`])
        for (const [method, body] of [
          ['GET', undefined],
          ['PUT', { title: 'x' }],
          ['DELETE', undefined],
        ] as const)
          expect([taskId, ...(await refusalOf(method, path(encodeURIComponent(taskId)), body))]).toEqual([
            taskId,
            404,
            'not_found',
          ]);
      expect(await app.database.query('SELECT title FROM tasks WHERE id = $1', [id])).toEqual([
        { title: 'Water the plants' },
      ]);
    });

    it('show nothing in a list, whatever cursor opens it', async () => {
      const theirs = await create();
      actor = await loggedIn(app);
      const own = await create();
      const cursor = Buffer.alloc(16, 0xff).toString('base64url');
      const { body } = await list(`?cursor=${cursor}`);
      expect(body.items).toEqual([own]);
      const after = Buffer.from(theirs.id.replaceAll('-', ''), 'hex').toString('base64url');
      expect((await list(`?cursor=${after}`)).body.items).toEqual([]);
    });
  });

  describe('GET /api/users/{userId}', () => {
    it('is the profile of the one who asks', async () => {
      const profile = await app.http.get('/api/auth/profile', { token: actor.token });
      const { status, body } = await app.http.get(`/api/users/${actor.id}`, { token: actor.token });
      expect([status, body]).toEqual([200, profile.body]);
    });
  });

  it('go with the account, and are in its export', async () => {
    await fill(actor.id, 250);
    const task = await create({ title: 'Unmistakable', description: 'Traces' });
    const other = await loggedIn(app);
    await fill(other.id, 3);
    const { body } = await app.http.get<{ tasks: Task[] }>('/api/auth/export', { token: actor.token });
    expect(body.tasks).toHaveLength(251);
    expect(body.tasks).toContainEqual({ ...task, userId: actor.id });
    expect(new Set(body.tasks.map((each) => (each as Task & { userId: string }).userId))).toEqual(
      new Set([actor.id]),
    );

    const { status } = await app.http.delete(
      '/api/auth/profile',
      { password: PASSWORD },
      { token: actor.token },
    );
    expect(status).toBe(204);
    const left = await app.database.query<{ userId: string; count: number }>(
      `SELECT user_id AS "userId", count(*)::int AS count FROM tasks WHERE user_id = ANY ($1) GROUP BY 1`,
      [[actor.id, other.id]],
    );
    expect(left).toEqual([{ userId: other.id, count: 3 }]);
  });

  it('have a budget of 300 changes in a minute for each account', async () => {
    const limited = await TestApp.start({ env: { RATE_LIMITS: 'on' }, database: app.database });
    const { token } = actor;
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) {
      const batch = Array.from({ length: 51 }, () =>
        limited.http.delete(path(NOBODYS), undefined, { token }),
      );
      statuses.push(...(await Promise.all(batch)).map(({ status }) => status));
    }
    const reading = await limited.http.get(path(), { token });
    await limited.close();
    const count = (wanted: number) => statuses.filter((status) => status === wanted).length;
    expect([count(404), count(429)]).toEqual([300, 6]);
    expect(reading.status).toBe(200);
  });
});
