import { EXIT } from '../../src/cli/exit-codes';
import type { AuditReport } from '../../src/audit/audit-verification';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { cliOf } from '../support/cli';

jest.setTimeout(120_000);

type Report = AuditReport & { ok: boolean };

describe('gatehouse audit', () => {
  let app: TestApp;
  let cli: ReturnType<typeof cliOf>;

  beforeEach(async () => {
    app = await TestApp.start();
    cli = cliOf(app.database.url);
  });
  afterEach(() => app.close());

  const verify = async (...args: string[]) => {
    const { code, stdout } = await cli.run(['audit', 'verify', '--json', ...args]);
    return { code, report: JSON.parse(stdout) as Report };
  };
  /** As the owner of the tables, who can switch off what guards them. */
  const tamper = (sql: string) =>
    app.database.query(
      `DO $$ BEGIN EXECUTE 'ALTER TABLE audit_events DISABLE TRIGGER USER'; EXECUTE '${sql.replaceAll("'", "''")}';
       EXECUTE 'ALTER TABLE audit_events ENABLE TRIGGER USER'; END $$`,
    );

  it('verify finds nothing wrong with what the service and the command line have written', async () => {
    const { id } = await loggedIn(app);
    await cli.json(['users', 'disable', id]);
    const { code, report } = await verify();
    expect([code, report.ok, report.problems]).toEqual([EXIT.ok, true, []]);
    const [count] = await app.database.query<{ events: number }>(
      'SELECT count(*)::int AS events FROM audit_events',
    );
    expect(report).toMatchObject({
      events: count!.events,
      links: count!.events,
      unsealed: 0,
      firstSequence: 1,
    });
    const { stdout } = await cli.run(['audit', 'verify']);
    expect(stdout).toMatch(new RegExp(`^head +${report.head!.sequence}:${report.head!.hash}$`, 'm'));
  });

  it.each([
    ['altered', `UPDATE audit_events SET action = 'login.succeeded' WHERE action = 'account.registered'`],
    ['removed', `DELETE FROM audit_events WHERE action = 'account.registered'`],
    [
      'inserted',
      `INSERT INTO audit_events (id, action, created_at, mac) VALUES (gen_random_uuid(), 'login.failed', now(), 'x')`,
    ],
  ])('verify tells that an event was %s, and ends with 3', async (kind, sql) => {
    await loggedIn(app);
    expect((await verify()).code).toBe(EXIT.ok);
    await tamper(sql);
    const { code, report } = await verify();
    expect([code, report.ok, report.problemCount]).toEqual([EXIT.problems, false, 1]);
    expect(report.problems[0]).toMatchObject({ kind, id: expect.any(String) as unknown });
    const { code: same, stdout } = await cli.run(['audit', 'verify']);
    expect(same).toBe(EXIT.problems);
    expect(stdout).toMatch(new RegExp(`^${kind} .*${report.problems[0]!.id}`, 'm'));
  });

  it('--expect-head: what was written down elsewhere must still be there', async () => {
    await loggedIn(app);
    const { report } = await verify();
    const { sequence, hash } = report.head!;
    await loggedIn(app);
    expect((await verify('--expect-head', `${sequence}:${hash}`)).code).toBe(EXIT.ok);
    const other = hash.replace(/^../, hash.startsWith('00') ? '11' : '00');
    expect((await verify('--expect-head', `${sequence}:${other}`)).code).toBe(EXIT.problems);
    const cut = await verify('--expect-head', `${sequence + 1_000}:${hash}`);
    expect([cut.code, cut.report.problems[0]!.kind]).toEqual([EXIT.problems, 'removed']);
    for (const wrong of ['4711', `x:${hash}`, '4711:', '4711:xyz'])
      expect(await cli.run(['audit', 'verify', '--expect-head', wrong])).toMatchObject({
        code: EXIT.usage,
        stderr: expect.stringContaining('--expect-head') as unknown,
      });
  });

  it('export prints every event as a line, the oldest first, and those of a time alone', async () => {
    await loggedIn(app);
    const middle = new Date(Date.now() + 1).toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { id } = await loggedIn(app);
    const lines = async (...args: string[]) => {
      const { code, stdout, stderr } = await cli.run(['audit', 'export', ...args]);
      expect([code, stderr]).toEqual([0, '']);
      return stdout === ''
        ? []
        : stdout
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Record<string, string>);
    };
    const all = await lines();
    const stored = await app.database.query<{ id: string }>(
      'SELECT id FROM audit_events ORDER BY created_at, id',
    );
    expect(all.map((event) => event.id)).toEqual(stored.map((event) => event.id));
    expect(Object.keys(all[0]!)).toEqual([
      'id',
      'createdAt',
      'action',
      'userId',
      'sessionId',
      'ip',
      'userAgent',
      'requestId',
    ]);
    expect(all.map(({ createdAt }) => createdAt)).toEqual(all.map(({ createdAt }) => createdAt).sort());

    const [before, after] = [await lines('--to', middle), await lines('--from', middle, '--json')];
    expect([...before, ...after]).toEqual(all);
    expect(new Set(after.map(({ userId }) => userId))).toEqual(new Set([id]));
    expect(await lines('--from', '2020-01-01', '--to', '2020-12-31T23:59')).toEqual([]);
  });

  it.each(['yesterday', '2026-13-01', '2026-11-21 09:00', '21.11.2026'])(
    'export refuses --from %s',
    async (from) => {
      expect(await cli.run(['audit', 'export', '--from', from])).toMatchObject({
        code: EXIT.usage,
        stdout: '',
        stderr: expect.stringContaining('--from') as unknown,
      });
    },
  );
});
