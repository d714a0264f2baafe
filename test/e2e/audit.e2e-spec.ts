import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { Registry } from 'prom-client';
import { AuditEvent } from '../../src/audit/audit-event.entity';
import type { AuditProblem, AuditProblemKind } from '../../src/audit/audit-inspection';
import { AuditRetentionJob } from '../../src/audit/audit-retention.job';
import { AuditSealer } from '../../src/audit/audit-sealer';
import { AuditService } from '../../src/audit/audit.service';
import type { ExpectedHead } from '../../src/audit/audit-verification';
import { newId } from '../../src/common/crypto/tokens';
import { GatheringClient } from '../../src/database/gathering-client';
import { Transactions } from '../../src/database/transactions';
import { loggedIn, login, PASSWORD, verified } from '../support/actors';
import { TestApp, TEST_SECRET } from '../support/app';
import { DAY, MINUTE, MovableClock } from '../support/clock';
import { createDatabase, type TestDatabase } from '../support/database';
import { Server } from '../support/server';

const NEW_SECRET = 'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV';
const CLIENT = { ip: '192.0.2.1', userAgent: 'curl/8.5.0', requestId: 'request-1' };

const verify = (app: TestApp, expectedHead?: ExpectedHead) =>
  app.nest.get(AuditService).verify({ expectedHead });

const record = (app: TestApp, userId: string, client: typeof CLIENT | undefined = CLIENT) =>
  app.nest
    .get(Transactions)
    .run((tx) => app.nest.get(AuditService).record('login.failed', { userId, client }, tx));

/** As whoever owns the database can: no trigger fires. */
const tamper = (database: TestDatabase, sql: string) =>
  database.query(`SET session_replication_role = replica; ${sql}`);

const countOf = async (database: TestDatabase, from: string) => {
  const [row] = await database.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${from}`);
  return row!.count;
};

/** Waits until all that is recorded is linked. */
async function sealed(database: TestDatabase, withinMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; ; await sleep(25)) {
    if ((await countOf(database, 'audit_pending')) === 0) return;
    if (Date.now() > deadline) throw new Error(`events wait for their links for ${withinMs} ms`);
  }
}

interface Linked {
  sequence: number;
  id: string;
  action: string;
}

const linked = (database: TestDatabase) =>
  database.query<Linked>(
    `SELECT sequence::int, event_id AS id, action FROM audit_links
     JOIN audit_events ON created_at = event_created_at AND id = event_id ORDER BY sequence`,
  );

const alarms = async (app: TestApp, kind: string) => {
  const metric = await app.nest.get(Registry).getSingleMetric('gatehouse_audit_alarms_total')!.get();
  return metric.values.find(({ labels }) => labels.kind === kind)!.value;
};

const brief = (problems: AuditProblem[]) => problems.map(({ kind, id, sequence }) => [kind, id, sequence]);

describe('audit', () => {
  describe('recording', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await TestApp.start();
    });
    afterAll(() => app.close());

    it('links what happened within two seconds, in one gapless chain', async () => {
      for (let round = 0; round < 5; round++) {
        await loggedIn(app);
        await sealed(app.database, 2_000);
      }
      const report = await verify(app);
      expect(report.problems).toEqual([]);
      expect(report).toMatchObject({
        events: 15,
        links: 15,
        firstSequence: 1,
        lastSequence: 15,
        unsealed: 0,
      });
      expect(report.head).toEqual({ sequence: 15, hash: expect.stringMatching(/^[0-9a-f]{72}$/) });
      expect((await verify(app, report.head)).problems).toEqual([]);
    });

    it('is one statement and waits for nobody', async () => {
      const holder = new Client({ connectionString: app.database.url });
      await holder.connect();
      // Whoever links holds this row; here for ever.
      await holder.query('BEGIN; SELECT * FROM audit_head FOR UPDATE');
      const sent = jest.spyOn(GatheringClient.prototype, 'query');
      const startedAt = performance.now();
      await record(app, newId());
      const ms = performance.now() - startedAt;
      const texts = sent.mock.calls.map(([text]) => String(text)).filter((text) => /audit/.test(text));
      sent.mockRestore();
      await holder.query('ROLLBACK');
      await holder.end();
      expect(ms).toBeLessThan(1_000);
      expect(texts.filter((text) => !/audit_pending|pgboss/.test(text))).toEqual([
        expect.stringMatching(/^INSERT INTO "audit_events"/),
      ]);
    });

    it('leaves no gap where a transaction is rolled back', async () => {
      const before = (await verify(app)).lastSequence!;
      await record(app, newId());
      await expect(
        app.nest.get(Transactions).run(async (tx) => {
          await app.nest.get(AuditService).record('login.failed', { userId: newId() }, tx);
          throw new Error('rolled back');
        }),
      ).rejects.toThrow('rolled back');
      await record(app, newId());
      await sealed(app.database);
      const report = await verify(app);
      expect(report.problems).toEqual([]);
      expect(report.lastSequence).toBe(report.events);
      expect(report.lastSequence! - before).toBeLessThanOrEqual(3);
    });

    it('skips nobody who commits late', async () => {
      const late = newId();
      const other = newId();
      await app.nest.get(Transactions).run(async (tx) => {
        await app.nest.get(AuditService).record('login.failed', { userId: late, client: CLIENT }, tx);
        await record(app, other);
        for (let tries = 0; (await countOf(app.database, 'audit_pending')) > 0; tries++) {
          if (tries > 100) throw new Error('the others wait for the late one');
          await sleep(50);
        }
      });
      await sealed(app.database);
      const rows = await app.database.query<{ userId: string }>(
        `SELECT user_id AS "userId" FROM audit_links JOIN audit_events ON id = event_id
         WHERE user_id IN ($1, $2) ORDER BY sequence`,
        [late, other],
      );
      expect(rows.map(({ userId }) => userId)).toEqual([other, late]);
      expect((await verify(app)).problems).toEqual([]);
    });

    it('signs what PostgreSQL gives back: ids and addresses however they were written', async () => {
      const audit = app.nest.get(AuditService);
      const addresses = ['2001:DB8:0:0:0::1', '::FFFF:192.0.2.1', '::ffff:c000:201', 'fe80::', '0.0.0.0'];
      for (const ip of addresses)
        await app.nest.get(Transactions).run((tx) =>
          audit.record(
            'login.failed',
            {
              userId: newId().toUpperCase(),
              sessionId: newId().toUpperCase(),
              client: { ip, userAgent: 'Agent "ü" \\ é\t', requestId: 'r' },
            },
            tx,
          ),
        );
      await sealed(app.database);
      const report = await verify(app);
      expect(report.problems).toEqual([]);
    });

    it('is not disturbed when an account is deleted and its addresses are forgotten', async () => {
      const actor = await loggedIn(app);
      await sealed(app.database);
      const { status } = await app.http.delete(
        '/api/auth/profile',
        { password: PASSWORD },
        { token: actor.token },
      );
      expect(status).toBe(204);
      await sealed(app.database);
      const left = `audit_events WHERE user_id = '${actor.id}'`;
      expect(await countOf(app.database, left)).toBeGreaterThanOrEqual(4);
      expect(
        await countOf(
          app.database,
          `${left} AND (ip, user_agent, client_mac) IS DISTINCT FROM (NULL, NULL, NULL)`,
        ),
      ).toBe(0);
      expect((await verify(app)).problems).toEqual([]);
    });

    it('gives all events of a time, a page at a time, without what is secret about them', async () => {
      const events: AuditEvent[] = [];
      for await (const page of app.nest.get(AuditService).exportPages({})) events.push(...page);
      expect(events).toHaveLength(await countOf(app.database, 'audit_events'));
      expect(Object.keys(events[0]!)).not.toEqual(expect.arrayContaining(['mac']));
      const [from, to] = [events[3]!.createdAt, events[9]!.createdAt];
      const some: AuditEvent[] = [];
      for await (const page of app.nest.get(AuditService).exportPages({ from, to })) some.push(...page);
      expect(some).toEqual(events.filter(({ createdAt }) => createdAt >= from && createdAt < to));
    });
  });

  describe('the database', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await TestApp.start();
      await loggedIn(app);
      await sealed(app.database);
    });
    afterAll(() => app.close());

    it('refuses to change or remove anything, partition by partition', async () => {
      const parts = await app.database.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits
         WHERE inhparent IN ('audit_events'::regclass, 'audit_links'::regclass)`,
      );
      expect(parts.length).toBe(2 * 5);
      // Into each something to be refused.
      await app.database.query(
        `INSERT INTO audit_events (id, action, created_at, mac)
         SELECT gen_random_uuid(), 'x', now() + n * interval '1 month', '' FROM generate_series(0, 5) AS n;
         INSERT INTO audit_links (sequence, month, previous_hash, hash, sealed_at)
         SELECT 1000 + n, date_trunc('month', now() + n * interval '1 month'), '', '', now() FROM generate_series(0, 5) AS n`,
      );
      const tables = ['audit_events', 'audit_links', ...parts.map(({ name }) => name)];
      for (const table of tables) {
        const changes = table.startsWith('audit_events')
          ? [
              `ip = '10.0.0.1'`,
              `action = 'x'`,
              `mac = ''`,
              `user_id = NULL`,
              `created_at = now() - interval '1 day'`,
            ]
          : [`sequence = sequence + 1`, `hash = ''`, `dropped = '{[1,9)}'`];
        for (const sql of [
          ...changes.map((change) => `UPDATE ${table} SET ${change}`),
          `DELETE FROM ${table}`,
          `TRUNCATE ${table}`,
        ])
          await expect(app.database.query(sql).then(() => sql)).rejects.toThrow('append-only');
      }
    });

    it('lets addresses and devices go together only, and of users only', async () => {
      await expect(app.database.query('UPDATE audit_events SET ip = NULL')).rejects.toThrow('append-only');
      await expect(
        app.database.query('UPDATE audit_events SET ip = NULL, user_agent = NULL WHERE user_id IS NOT NULL'),
      ).rejects.toThrow('append-only');
      await expect(
        app.database.query(
          'UPDATE audit_events SET ip = NULL, user_agent = NULL, client_mac = NULL, mac = $1',
          [''],
        ),
      ).rejects.toThrow('append-only');
      await app.database.query(
        'UPDATE audit_events SET ip = NULL, user_agent = NULL, client_mac = NULL WHERE user_id IS NOT NULL',
      );
    });

    it('keeps what no month is there for, and gives it one', async () => {
      const other = await TestApp.start();
      other.clock.advance(400 * DAY);
      await loggedIn(other);
      await sealed(other.database);
      expect(await countOf(other.database, 'audit_events_default')).toBe(3);
      expect(await countOf(other.database, 'audit_links_default')).toBe(3);
      await other.nest.get(AuditRetentionJob).run();
      expect(await countOf(other.database, 'audit_events_default')).toBe(0);
      expect(await countOf(other.database, 'audit_links_default')).toBe(0);
      await loggedIn(other);
      await sealed(other.database);
      const report = await verify(other);
      expect([report.problems, report.events, report.links]).toEqual([[], 6, 6]);
      await expect(other.database.query('DELETE FROM audit_events')).rejects.toThrow('append-only');
      await other.close();
    });
  });

  describe('a trail that somebody meddled with', () => {
    let app: TestApp;
    let links: Linked[];
    let head: ExpectedHead;
    const TABLES = ['audit_events', 'audit_links', 'audit_head'];

    beforeAll(async () => {
      app = await TestApp.start();
      const actor = await loggedIn(app);
      for (let round = 0; round < 6; round++) await login(app, actor);
      // By a job: nobody's address.
      await record(app, actor.id, undefined);
      await sealed(app.database);
      links = await linked(app.database);
      head = (await verify(app)).head!;
      if (links.length !== 10) throw new Error(`${links.length} links instead of 10`);
      for (const table of TABLES) await app.database.query(`CREATE TABLE kept_${table} AS TABLE ${table}`);
    });
    afterAll(() => app.close());
    afterEach(async () => {
      const restore = TABLES.map(
        (table) => `TRUNCATE ${table}; INSERT INTO ${table} SELECT * FROM kept_${table};`,
      );
      await tamper(app.database, `${restore.join(' ')} DELETE FROM audit_pending;`);
      if ((await verify(app, head)).problemCount > 0) throw new Error('the trail is not as it was');
    });

    const at = (sequence: number) => links[sequence - 1]!;
    const event = (sequence: number) => `audit_events WHERE id = '${at(sequence).id}'`;
    const update = (sequence: number, change: string) =>
      `UPDATE audit_events SET ${change} WHERE id = '${at(sequence).id}'`;

    it.each([
      ['action', `action = 'login.failed'`],
      ['user', `user_id = gen_random_uuid()`],
      ['missing user', `user_id = NULL`],
      ['session', `session_id = gen_random_uuid()`],
      ['request', `request_id = 'another'`],
      ['address', `ip = '203.0.113.99'`],
      ['network', `ip = '127.0.0.0/8'`],
      ['device', `user_agent = 'Somebody else'`],
      ['missing device', `user_agent = NULL`],
      ['wiped track', `ip = NULL, user_agent = NULL, client_mac = NULL`],
      ['MAC', `mac = mac || '\\x00'`],
      ['empty MAC', `mac = ''`],
      ['MAC of another', `mac = (SELECT mac FROM kept_audit_events WHERE id <> audit_events.id LIMIT 1)`],
      ['MAC of the client', `client_mac = set_byte(client_mac, 10, 255 - get_byte(client_mac, 10))`],
    ])('shows an altered event: %s', async (_what, change) => {
      await tamper(app.database, update(5, change));
      expect(brief((await verify(app)).problems)).toEqual([['altered', at(5).id, 5]]);
    });

    it('shows an address that was invented where there was none', async () => {
      await tamper(app.database, update(10, `ip = '203.0.113.99'`));
      expect(brief((await verify(app)).problems)).toEqual([['altered', at(10).id, 10]]);
    });

    it('shows an event that was moved in time', async () => {
      await tamper(app.database, update(5, `created_at = created_at - interval '2 seconds'`));
      expect(brief((await verify(app)).problems)).toEqual([
        ['removed', at(5).id, 5],
        ['inserted', at(5).id, undefined],
      ]);
    });

    it('shows two events that have changed their content', async () => {
      const other = (name: string) => `(SELECT ${name} FROM kept_audit_events AS k WHERE k.id = (CASE
        WHEN audit_events.id = '${at(3).id}' THEN '${at(1).id}' ELSE '${at(3).id}' END)::uuid)`;
      const names = ['action', 'session_id', 'request_id', 'mac'];
      const change = names.map((name) => `${name} = ${other(name)}`).join(', ');
      await tamper(
        app.database,
        `UPDATE audit_events SET ${change} WHERE id IN ('${at(1).id}', '${at(3).id}')`,
      );
      expect(brief((await verify(app)).problems)).toEqual([
        ['altered', at(1).id, 1],
        ['altered', at(3).id, 3],
      ]);
    });

    it('shows a removed event, by its id', async () => {
      await tamper(app.database, `DELETE FROM ${event(4)}`);
      const { problems, events, links: count } = await verify(app);
      expect(brief(problems)).toEqual([['removed', at(4).id, 4]]);
      expect([events, count]).toEqual([9, 10]);
    });

    it('shows an event that was removed with its link, by its sequence', async () => {
      await tamper(
        app.database,
        `DELETE FROM ${event(4)}; DELETE FROM ${event(5)}; DELETE FROM audit_links WHERE sequence IN (4, 5)`,
      );
      const { problems } = await verify(app);
      expect(problems).toEqual([{ kind: 'removed', sequence: 4, lastSequence: 5, at: expect.any(Date) }]);
    });

    it('shows what was removed by those who number the links anew', async () => {
      await tamper(
        app.database,
        `DELETE FROM ${event(4)}; DELETE FROM audit_links WHERE sequence = 4;
         UPDATE audit_links SET sequence = sequence - 1 WHERE sequence > 4; UPDATE audit_head SET sequence = 9`,
      );
      const { problems } = await verify(app);
      expect(problems.length).toBeGreaterThanOrEqual(6);
      expect(new Set(problems.map(({ sequence }) => sequence))).toEqual(new Set([4, 5, 6, 7, 8, 9]));
    });

    it('shows the first ones removed', async () => {
      await tamper(app.database, `DELETE FROM ${event(1)}; DELETE FROM audit_links WHERE sequence = 1`);
      expect(brief((await verify(app)).problems)).toEqual([['removed', undefined, 1]]);
    });

    it('shows the newest ones removed, unless the head is set back too, which an expected head shows', async () => {
      await tamper(
        app.database,
        `DELETE FROM ${event(9)}; DELETE FROM ${event(10)}; DELETE FROM audit_links WHERE sequence > 8`,
      );
      expect(await verify(app)).toMatchObject({
        problems: [{ kind: 'removed', sequence: 9, lastSequence: 10 }],
        problemCount: 1,
      });
      await tamper(
        app.database,
        'UPDATE audit_head SET (sequence, hash) = (SELECT sequence, hash FROM audit_links WHERE sequence = 8)',
      );
      expect((await verify(app)).problems).toEqual([]);
      expect(brief((await verify(app, head)).problems)).toEqual([['removed', undefined, 10]]);
    });

    it('shows a head that is not what was expected', async () => {
      const { problems } = await verify(app, { ...head, hash: head.hash.replace(/..$/, 'zz') });
      expect(brief(problems)).toEqual([['altered', undefined, 10]]);
    });

    it('shows everything removed where a head is expected', async () => {
      await tamper(
        app.database,
        `TRUNCATE audit_events, audit_links; UPDATE audit_head SET sequence = 0, hash = ''`,
      );
      expect((await verify(app)).problems).toEqual([]);
      expect(brief((await verify(app, head)).problems)).toEqual([['removed', undefined, 10]]);
    });

    it('shows links that have changed places', async () => {
      await tamper(
        app.database,
        `UPDATE audit_links SET sequence = -sequence WHERE sequence IN (3, 7);
         UPDATE audit_links SET sequence = 10 + sequence WHERE sequence < 0`,
      );
      expect(brief((await verify(app)).problems).sort()).toEqual(
        [
          ['reordered', at(7).id, 3],
          ['reordered', at(3).id, 7],
        ].sort(),
      );
    });

    it('shows a link that stands for another event', async () => {
      await tamper(
        app.database,
        `DELETE FROM audit_links WHERE sequence IN (6, 7);
         INSERT INTO audit_links
         SELECT l.sequence, l.month, o.event_id, o.event_created_at, o.event_mac, NULL, l.previous_hash, l.hash, l.sealed_at
         FROM kept_audit_links AS l JOIN kept_audit_links AS o ON o.sequence = 13 - l.sequence
         WHERE l.sequence IN (6, 7)`,
      );
      expect(brief((await verify(app)).problems)).toEqual([
        ['altered', at(7).id, 6],
        ['altered', at(6).id, 7],
      ]);
    });

    it('shows events that the service has not written, and gives them no link', async () => {
      const id = newId();
      const before = await alarms(app, 'forged');
      await app.database.query(
        `INSERT INTO audit_events SELECT (jsonb_populate_record(e, jsonb_build_object('id', $1::text))).*
         FROM audit_events AS e WHERE e.id = $2`,
        [id, at(5).id],
      );
      await sealed(app.database);
      expect(brief((await verify(app)).problems)).toEqual([['inserted', id, undefined]]);
      expect(await alarms(app, 'forged')).toBe(before + 1);
    });

    it('shows events that were put in without a trigger, and with a link', async () => {
      const [silent, withLink] = [newId(), newId()];
      await tamper(
        app.database,
        `INSERT INTO audit_events SELECT (jsonb_populate_record(e, jsonb_build_object('id', '${silent}'))).*
           FROM audit_events AS e WHERE e.id = '${at(5).id}';
         INSERT INTO audit_events SELECT (jsonb_populate_record(e, jsonb_build_object('id', '${withLink}'))).*
           FROM audit_events AS e WHERE e.id = '${at(5).id}';
         INSERT INTO audit_links
           SELECT 11, month, '${withLink}', event_created_at, event_mac, NULL, hash, hash, sealed_at
           FROM audit_links WHERE sequence = 5`,
      );
      expect(brief((await verify(app)).problems)).toEqual([
        ['inserted', withLink, 11],
        ['inserted', silent, undefined],
      ]);
    });

    it('shows a link with a sequence that is there already, in another month', async () => {
      const id = newId();
      await tamper(
        app.database,
        `INSERT INTO audit_events SELECT (jsonb_populate_record(e, jsonb_build_object('id', '${id}'))).*
           FROM audit_events AS e WHERE e.id = '${at(5).id}';
         INSERT INTO audit_links
           SELECT 10, month - interval '1 month', '${id}', event_created_at, event_mac, NULL, hash, hash, sealed_at
           FROM audit_links WHERE sequence = 10`,
      );
      expect((await verify(app)).problems).toContainEqual(expect.objectContaining({ kind: 'inserted', id }));
    });

    it('shows an invented record of retention, and believes nothing of it', async () => {
      await tamper(
        app.database,
        `DELETE FROM ${event(4)}; DELETE FROM audit_links WHERE sequence = 4;
         INSERT INTO audit_links
           SELECT 11, month, NULL, NULL, NULL, '{[4,5)}', hash, hash, sealed_at FROM audit_links WHERE sequence = 10;
         UPDATE audit_head SET sequence = 11`,
      );
      const kinds = (await verify(app)).problems.map(({ kind, sequence }) => `${kind} ${sequence}`);
      expect(kinds).toEqual(expect.arrayContaining(['removed 4', 'altered 11']));
    });

    it('shows an event that never got its link, after a minute', async () => {
      const id = newId();
      await record(app, id);
      await tamper(app.database, 'DELETE FROM audit_pending');
      const rows = await app.database.query<{ id: string }>(
        'SELECT id FROM audit_events WHERE user_id = $1',
        [id],
      );
      const links = await countOf(app.database, 'audit_links');
      // The sealer may have been faster.
      if (links === 10) {
        expect(await verify(app)).toMatchObject({ problems: [], unsealed: 1 });
        app.clock.advance(2 * MINUTE);
        expect(brief((await verify(app)).problems)).toEqual([['unsealed-too-long', rows[0]!.id, undefined]]);
        app.clock.advance(-2 * MINUTE);
      } else expect(links).toBe(11);
    });

    it('says where it cannot say: written under a secret that is not configured', async () => {
      const stranger = await TestApp.start({ database: app.database, env: { JWT_SECRET: NEW_SECRET } });
      const { problems } = await verify(stranger);
      expect(problems.map(({ kind, sequence }) => `${kind} ${sequence}`)).toEqual(
        links.map(({ sequence }) => `unverifiable ${sequence}`),
      );
      await stranger.close();
      const rotated = await TestApp.start({
        database: app.database,
        env: { JWT_SECRET: `${NEW_SECRET},${TEST_SECRET}` },
      });
      expect((await verify(rotated)).problems).toEqual([]);
      await record(rotated, newId());
      await sealed(app.database);
      expect((await verify(rotated)).problems).toEqual([]);
      // What was changed under the old secret is found as before.
      await tamper(app.database, update(5, `action = 'x'`));
      expect(brief((await verify(rotated)).problems)).toEqual([['altered', at(5).id, 5]]);
      await rotated.close();
    });

    it('has a secret of its own where one is set: JWT_SECRET comes and goes', async () => {
      const start = (JWT_SECRET: string, AUDIT_SECRET: string) =>
        TestApp.start({ database: app.database, env: { JWT_SECRET, AUDIT_SECRET } });
      const own = 'hN4rZc8YwQe2uTb6XsVk9LdPf1MgJa3oR7iC5yUx';
      const first = await start(TEST_SECRET, `${own},${TEST_SECRET}`);
      await record(first, newId());
      await first.nest.get(AuditSealer).seal();
      await first.close();
      const second = await start(NEW_SECRET, `${own},${TEST_SECRET}`);
      expect(await verify(second)).toMatchObject({ problems: [], links: 11 });
      await second.close();
      const third = await start(NEW_SECRET, own);
      const { problems } = await verify(third);
      expect(problems.map(({ kind, sequence }) => `${kind} ${sequence}`)).toEqual(
        links.map(({ sequence }) => `unverifiable ${sequence}`),
      );
      await third.close();
    });

    it('hands over every problem and keeps the first thousand', async () => {
      await tamper(
        app.database,
        `INSERT INTO audit_events (id, action, created_at, mac)
         SELECT gen_random_uuid(), 'login.failed', now() - interval '1 hour', '' FROM generate_series(1, 2500)`,
      );
      const told: AuditProblemKind[] = [];
      const report = await app.nest
        .get(AuditService)
        .verify({ onProblem: ({ kind }) => void told.push(kind) });
      expect([told.length, report.problemCount, report.problems.length]).toEqual([2500, 2500, 1000]);
      expect(new Set(told)).toEqual(new Set(['inserted']));
    });
  });

  describe('a running service', () => {
    let app: TestApp;

    beforeEach(async () => {
      app = await TestApp.start();
      for (let round = 0; round < 5; round++) await record(app, newId());
      await sealed(app.database);
    });
    afterEach(() => app.close());

    it('notices that the newest links were cut off, head and all, and leaves the gap to be found', async () => {
      await tamper(
        app.database,
        `DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_links WHERE sequence > 3);
         DELETE FROM audit_links WHERE sequence > 3;
         UPDATE audit_head SET (sequence, hash) = (SELECT sequence, hash FROM audit_links WHERE sequence = 3)`,
      );
      expect((await verify(app)).problems).toEqual([]);
      await record(app, newId());
      await sealed(app.database);
      expect(await alarms(app, 'broken')).toBe(1);
      expect((await verify(app)).problems).toMatchObject([{ kind: 'removed', sequence: 4, lastSequence: 5 }]);
    });

    it('notices an event that is gone before it is linked', async () => {
      const holder = new Client({ connectionString: app.database.url });
      await holder.connect();
      await holder.query('BEGIN; SELECT * FROM audit_head FOR UPDATE');
      const userId = newId();
      await record(app, userId);
      await tamper(app.database, `DELETE FROM audit_events WHERE user_id = '${userId}'`);
      await holder.query('ROLLBACK');
      await holder.end();
      await sealed(app.database);
      expect(await alarms(app, 'removed')).toBe(1);
      expect((await verify(app)).problems).toMatchObject([{ kind: 'removed', sequence: 6 }]);
    });

    it('links on behind an invented link', async () => {
      await tamper(
        app.database,
        `INSERT INTO audit_links SELECT 6, month, NULL, NULL, NULL, NULL, hash, hash, sealed_at
         FROM audit_links WHERE sequence = 5`,
      );
      await record(app, newId());
      await sealed(app.database);
      expect(await alarms(app, 'broken')).toBe(1);
      const { problems, lastSequence } = await verify(app);
      expect([brief(problems), lastSequence]).toEqual([[['altered', undefined, 6]], 7]);
    });

    it('takes no link of another past for one of its own, such as one from before a restored backup', async () => {
      await app.database.query(
        `CREATE TABLE other_event AS SELECT e.* FROM audit_events AS e
           JOIN audit_links AS l ON l.event_id = e.id WHERE sequence = 5;
         CREATE TABLE other_link AS SELECT * FROM audit_links WHERE sequence = 5`,
      );
      await tamper(
        app.database,
        `DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_links WHERE sequence > 4);
         DELETE FROM audit_links WHERE sequence > 4;
         UPDATE audit_head SET (sequence, hash) = (SELECT sequence, hash FROM audit_links WHERE sequence = 4)`,
      );
      // It remembers nothing of what was cut off.
      const restarted = await TestApp.start({ database: app.database, clock: app.clock });
      for (let round = 0; round < 2; round++) {
        await record(restarted, newId());
        await restarted.nest.get(AuditSealer).seal();
      }
      expect(await verify(restarted)).toMatchObject({ problems: [], lastSequence: 6 });
      await tamper(
        app.database,
        `DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_links WHERE sequence = 5);
         DELETE FROM audit_links WHERE sequence = 5;
         INSERT INTO audit_events SELECT * FROM other_event; INSERT INTO audit_links SELECT * FROM other_link`,
      );
      expect((await verify(restarted)).problems).toMatchObject([{ kind: 'reordered', sequence: 6 }]);
      await tamper(
        app.database,
        'UPDATE audit_links SET previous_hash = (SELECT hash FROM other_link) WHERE sequence = 6',
      );
      expect((await verify(restarted)).problems).toMatchObject([{ kind: 'altered', sequence: 6 }]);
      await restarted.close();
    });

    it('links an event once, however often it is said to be pending', async () => {
      await app.database.query(
        `INSERT INTO audit_pending (event_id, event_created_at)
         SELECT id, created_at FROM audit_events, generate_series(1, 3)`,
      );
      await record(app, newId());
      await sealed(app.database);
      expect(await verify(app)).toMatchObject({ problems: [], links: 6, lastSequence: 6 });
    });
  });

  describe('two replicas', () => {
    it('50 parallel logins on both: one gapless chain, nothing left over', async () => {
      const first = await TestApp.start();
      const second = await TestApp.start({ database: first.database, clock: first.clock });
      const actor = await verified(first);
      await Promise.all(Array.from({ length: 50 }, (_, index) => login(index % 2 ? first : second, actor)));
      const startedAt = performance.now();
      await sealed(first.database, 5_000);
      report('after 50 parallel logins the last link came after', { ms: performance.now() - startedAt });
      const found = await verify(second);
      expect(found.problems).toEqual([]);
      expect(found).toMatchObject({ events: 52, links: 52, firstSequence: 1, lastSequence: 52, unsealed: 0 });
      await second.close();
      await first.close();
    });

    it('link at the same time without ever getting in each other’s way', async () => {
      const first = await TestApp.start();
      const second = await TestApp.start({ database: first.database, clock: first.clock });
      const complaints = jest.spyOn(Logger.prototype, 'error');
      for (let round = 0; round < 10; round++)
        await Promise.all(
          Array.from({ length: 40 }, async (_, index) => {
            const app = index % 2 ? first : second;
            await record(app, newId());
            await app.nest.get(AuditSealer).seal();
          }),
        );
      await sealed(first.database);
      expect(complaints.mock.calls).toEqual([]);
      complaints.mockRestore();
      expect(await verify(first)).toMatchObject({ problems: [], links: 400, lastSequence: 400 });
      await second.close();
      await first.close();
    });

    it('where the one that links stops, the other takes over', async () => {
      const first = await TestApp.start();
      const second = await TestApp.start({ database: first.database, clock: first.clock });
      await record(first, newId());
      await sealed(first.database);
      await second.close();
      await record(first, newId());
      await sealed(first.database);
      // One that froze while it held the lock, its connection alive.
      const frozen = new Client({ connectionString: first.database.url });
      frozen.on('error', () => undefined);
      await frozen.connect();
      await frozen.query(
        `BEGIN; SELECT set_config('idle_in_transaction_session_timeout', '5000', true) FROM audit_head FOR UPDATE`,
      );
      await record(first, newId());
      await sleep(1_500);
      // Nobody queues for the lock: a connection of the pool would be lost for requests.
      expect(
        await countOf(
          first.database,
          `pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
        ),
      ).toBe(0);
      expect(await countOf(first.database, 'audit_pending')).toBe(1);
      await sealed(first.database, 10_000);
      expect(await verify(first)).toMatchObject({ problems: [], links: 3, lastSequence: 3 });
      await frozen.end().catch(() => undefined);
      await first.close();
    });

    it('a killed process loses nothing, and a stopping one writes the newest link to its log', async () => {
      const database = await createDatabase();
      const before = await TestApp.start({ database });
      const actor = await verified(before);
      await before.close();
      const settings = {
        DATABASE_URL: database.url,
        JWT_SECRET: TEST_SECRET,
        PUBLIC_URL: 'http://localhost:3000',
        LOG_FORMAT: 'json',
        RATE_LIMITS: 'off',
      };
      const killed = await Server.start(settings);
      const logIn = async ({ baseUrl }: Server) => {
        const { status } = await fetch(`${baseUrl}/api/auth/login`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ email: actor.email, password: actor.password }),
        });
        return status;
      };
      const answers = await Promise.all(Array.from({ length: 10 }, () => logIn(killed)));
      await killed.stop('SIGKILL');
      expect(answers).toEqual(Array(10).fill(200));
      const stopped = await Server.start(settings);
      expect(await logIn(stopped)).toBe(200);
      await stopped.stop();
      expect(await countOf(database, 'audit_pending')).toBe(0);
      for (const server of [killed, stopped]) server.removeFolder();
      const [announced] = stopped.output
        .split('\n')
        .filter((line) => line.includes('"audit.sealed"'))
        .map((line) => JSON.parse(line) as ExpectedHead)
        .toReversed();

      const after = await TestApp.start({ database });
      const report = await verify(after, announced);
      expect(report).toMatchObject({ problems: [], events: 13, links: 13 });
      expect(report.head).toMatchObject({ sequence: announced!.sequence, hash: announced!.hash });
      await after.close();
      await database.drop();
    }, 90_000);
  });

  describe('retention', () => {
    it('drops whole months; what is left verifies, month after month, and is guarded as before', async () => {
      const clock = new MovableClock();
      clock.advance(-560 * DAY);
      const app = await TestApp.start({ clock });
      const job = app.nest.get(AuditRetentionJob);
      const userId = newId();
      const startedAt = clock.now();
      // 20 days apart: two in some months, one in others.
      for (let round = 0; round < 29; round++) {
        await record(app, userId);
        if (round % 3 > 0) await record(app, userId);
        await app.nest.get(AuditSealer).seal();
        if (round < 28) clock.advance(20 * DAY);
        // Who commits late: its month is over when it is linked.
        if (round % 5 === 0) {
          clock.advance(-20 * DAY);
          await record(app, userId);
          await app.nest.get(AuditSealer).seal();
          clock.advance(20 * DAY);
        }
      }
      expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(5 * MINUTE);
      const whole = await verify(app);
      expect([whole.problems, whole.firstSequence]).toEqual([[], 1]);

      await job.run();
      const kept = await verify(app);
      expect(kept.problems).toEqual([]);
      expect(kept.firstSequence).toBeGreaterThan(1);
      expect(kept.lastSequence).toBeGreaterThan(whole.lastSequence!);
      expect(await countOf(app.database, 'audit_events_default')).toBe(0);
      const [{ oldest } = { oldest: new Date(0) }] = await app.database.query<{ oldest: Date }>(
        'SELECT min(created_at) AS oldest FROM audit_events',
      );
      const age = (Date.now() - oldest.getTime()) / DAY;
      expect([age > 380, age < 400 + 31]).toEqual([true, true]);
      // A head of before is still in the chain, and one that went by retention is nobody's crime.
      expect((await verify(app, whole.head)).problems).toEqual([]);
      expect((await verify(app, { sequence: 1, hash: '00' })).problems).toEqual([]);

      await job.run();
      expect((await verify(app)).lastSequence).toBe(kept.lastSequence);

      const shorter = await TestApp.start({
        database: app.database,
        clock,
        env: { AUDIT_RETENTION: '200d' },
      });
      await shorter.nest.get(AuditRetentionJob).run();
      const less = await verify(shorter);
      expect(less.problems).toEqual([]);
      expect(less.firstSequence).toBeGreaterThan(kept.firstSequence!);
      expect(less.events).toBeLessThan(kept.events);

      const tenth = (await linked(app.database))[10]!;
      await tamper(
        app.database,
        `DELETE FROM audit_events WHERE id = '${tenth.id}'; DELETE FROM audit_links WHERE sequence = ${tenth.sequence}`,
      );
      expect(brief((await verify(app)).problems)).toEqual([['removed', undefined, tenth.sequence]]);
      expect(startedAt.getTime()).toBeLessThan(Date.now());
      await shorter.close();
      await app.close();
    }, 120_000);

    it('covers no tracks: what was removed or invented before a month is dropped stays on record', async () => {
      const clock = new MovableClock();
      const app = await TestApp.start({ clock });
      clock.advance(-500 * DAY);
      for (let round = 0; round < 6; round++) await record(app, newId());
      await app.nest.get(AuditSealer).seal();
      clock.advance(500 * DAY);
      for (let round = 0; round < 4; round++) await record(app, newId());
      await app.nest.get(AuditSealer).seal();
      const links = await linked(app.database);
      await tamper(
        app.database,
        // Gone from the old month; and links that claim the sequences of new events, under our key's name and another's.
        `DELETE FROM audit_events WHERE id = '${links[2]!.id}'; DELETE FROM audit_links WHERE sequence = 3;
         INSERT INTO audit_links SELECT 8, month, NULL, NULL, NULL, NULL, hash, hash, sealed_at
           FROM audit_links WHERE sequence = 1;
         INSERT INTO audit_links SELECT 9, month, NULL, NULL, NULL, NULL, hash, '\\x00000000', sealed_at
           FROM audit_links WHERE sequence = 1`,
      );
      await app.nest.get(AuditRetentionJob).run();
      expect(brief((await verify(app)).problems)).toEqual([['removed', undefined, 3]]);
      await tamper(
        app.database,
        `DELETE FROM audit_events WHERE id IN ('${links[7]!.id}', '${links[8]!.id}');
         DELETE FROM audit_links WHERE sequence IN (8, 9)`,
      );
      expect((await verify(app)).problems).toMatchObject([
        { kind: 'removed', sequence: 3 },
        { kind: 'removed', sequence: 8, lastSequence: 9 },
      ]);
      await app.close();
    }, 60_000);

    it('shows months that went otherwise', async () => {
      const clock = new MovableClock();
      const app = await TestApp.start({ clock });
      clock.advance(-500 * DAY);
      await record(app, newId());
      await record(app, newId());
      await app.nest.get(AuditSealer).seal();
      clock.advance(500 * DAY);
      await record(app, newId());
      await app.nest.get(AuditSealer).seal();
      await app.database.query(`SELECT drop_audit_month((now() - interval '500 days')::date)`);
      expect((await verify(app)).problems).toMatchObject([{ kind: 'removed', sequence: 1, lastSequence: 2 }]);
      await app.close();
    });
  });

  describe('a role that only serves requests', () => {
    it('needs no more than docs/audit.md grants, and can take nothing back', async () => {
      const database = await createDatabase();
      const role = `app_${newId().replaceAll('-', '').slice(20)}`;
      await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
      // Of the rest it may do everything: it is the audit trail that is tested.
      await database.query(
        `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}; GRANT ALL ON SCHEMA pgboss TO ${role};
         GRANT ALL ON ALL TABLES IN SCHEMA pgboss TO ${role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA pgboss TO ${role};
         GRANT ALL ON ALL FUNCTIONS IN SCHEMA pgboss TO ${role};`,
      );
      const tables = await database.query<{ name: string }>(
        `SELECT oid::regclass::text AS name FROM pg_class WHERE relname LIKE 'audit_%' AND relkind IN ('r', 'p')`,
      );
      for (const { name } of tables) await database.query(`REVOKE ALL ON ${name} FROM ${role}`);
      const documented = readFileSync(join(__dirname, '../../docs/audit.md'), 'utf8').match(/^GRANT .+;$/gm)!;
      expect(documented.length).toBeGreaterThanOrEqual(5);
      for (const grant of documented) await database.query(grant.replaceAll('gatehouse_app', role));
      const url = new URL(database.url);
      [url.username, url.password] = [role, 'app'];
      const app = await TestApp.start({ database: { ...database, url: url.href } });

      const actor = await loggedIn(app);
      await sealed(database);
      expect((await app.http.get('/api/auth/activity', { token: actor.token })).status).toBe(200);
      await app.nest.get(AuditRetentionJob).run();
      app.clock.advance(100 * DAY);
      await app.nest.get(AuditRetentionJob).run();
      expect(
        await countOf(database, `pg_class WHERE relname ~ '^audit_events_\\d{4}_\\d{2}$'`),
      ).toBeGreaterThan(4);
      app.clock.advance(-100 * DAY);
      const { status } = await app.http.delete(
        '/api/auth/profile',
        { password: PASSWORD },
        { token: actor.token },
      );
      expect(status).toBe(204);
      await sealed(database);
      expect((await verify(app)).problems).toEqual([]);

      const client = new Client({ connectionString: url.href });
      await client.connect();
      const month = new Date().toISOString().slice(0, 7).replace('-', '_');
      for (const sql of [
        `UPDATE audit_events SET action = 'x'`,
        `UPDATE audit_events SET created_at = now()`,
        'DELETE FROM audit_events',
        'TRUNCATE audit_events',
        `UPDATE audit_links SET hash = ''`,
        'DELETE FROM audit_links',
        'TRUNCATE audit_links',
        `DELETE FROM audit_events_${month}`,
        `TRUNCATE audit_links_${month}`,
        `UPDATE audit_events_${month} SET ip = NULL`,
        `DROP TABLE audit_events_${month}`,
        'ALTER TABLE audit_events DISABLE TRIGGER ALL',
        'SET session_replication_role = replica',
        'SELECT drop_audit_month(current_date)',
        `SELECT drop_audit_month((current_date - interval '1 month')::date)`,
      ])
        await expect(client.query(sql).then(() => sql)).rejects.toMatchObject({ code: '42501' });
      await client.end();
      await app.close();
      await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      await database.drop();
    }, 60_000);

    it('may do nothing where nothing was granted', async () => {
      const database = await createDatabase();
      for (const name of ['add_audit_month', 'drop_audit_month']) {
        const [row] = await database.query<{ isOpen: boolean }>(
          `SELECT has_function_privilege('public', '${name}(date)', 'EXECUTE') AS "isOpen"`,
        );
        expect([name, row!.isOpen]).toEqual([name, false]);
      }
      await database.drop();
    });
  });

  describe('a long trail', () => {
    it('is linked and verified at thousands of events a second, in constant memory', async () => {
      const app = await TestApp.start();
      const audit = app.nest.get(AuditService);
      const recordedAt = performance.now();
      for (let batch = 0; batch < 20; batch++)
        await app.nest.get(Transactions).run(async (tx) => {
          for (let each = 0; each < 500; each++)
            await audit.record('login.failed', { userId: newId(), client: CLIENT }, tx);
        });
      const sealingAt = performance.now();
      await sealed(app.database, 30_000);
      const verifyingAt = performance.now();
      const found = await verify(app);
      const doneAt = performance.now();
      expect(found).toMatchObject({ problems: [], events: 10_000, links: 10_000, lastSequence: 10_000 });
      report('10,000 events in milliseconds', {
        recorded: sealingAt - recordedAt,
        linked: verifyingAt - sealingAt,
        verified: doneAt - verifyingAt,
      });
      expect(doneAt - verifyingAt).toBeLessThan(10_000);

      // Where one page of the reading ends and the next begins, nothing slips through.
      const id = newId();
      await tamper(
        app.database,
        `INSERT INTO audit_events (id, action, created_at, mac)
           SELECT '${id}', 'login.failed', date_trunc('month', now()) + interval '1 month 1 day', event_mac
           FROM audit_links WHERE sequence = 1000;
         INSERT INTO audit_links
           SELECT 1000, month + interval '1 month', e.id, e.created_at, event_mac, NULL, previous_hash, hash, sealed_at
           FROM audit_links, audit_events AS e WHERE sequence = 1000 AND e.id = '${id}'`,
      );
      expect((await verify(app)).problems).toContainEqual(expect.objectContaining({ kind: 'inserted', id }));
      await app.close();
    }, 120_000);
  });
});

/** Figures that a person wants to see, whether they are within bounds or not. */
function report(what: string, figures: Record<string, number>): void {
  const rounded = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value)}`);
  process.stdout.write(`  ${what}: ${rounded.join(', ')}\n`);
}
