import {
  createClient,
  localStorageStore,
  type ClientOptions,
  type Gatehouse,
  type StoredSession,
} from '../../client/src/index';
import { verified } from '../support/actors';
import { TestApp } from '../support/app';
import { eventually, FakeStorage, recording } from '../support/client';
import { MINUTE } from '../support/clock';

const REFRESH = 'POST /api/auth/refresh';
const PROFILE = '/api/auth/profile';
const KEY = 'gatehouse.session';

type Client = typeof import('../../client/src/index');

/** Node has the locks and the channels of browsers, and they work between clients of one process as between tabs. */
describe('tabs that share a session', () => {
  const { navigator, BroadcastChannel } = globalThis;
  let app: TestApp;
  let storage: FakeStorage;
  const tabs: Gatehouse[] = [];

  beforeAll(async () => {
    app = await TestApp.start();
  });
  beforeEach(() => {
    storage = FakeStorage.install();
  });
  afterEach(() => {
    jest.restoreAllMocks();
    replaceGlobal('navigator', navigator);
    replaceGlobal('BroadcastChannel', BroadcastChannel);
    for (const tab of tabs.splice(0)) tab.close();
  });
  afterAll(() => app.close());

  const openTab = (
    options: ClientOptions = {},
    from: Client = { createClient, localStorageStore } as Client,
  ) => {
    const wire = recording(options.fetch);
    const gatehouse = from.createClient({
      baseUrl: app.http.baseUrl,
      store: from.localStorageStore(),
      ...options,
      fetch: wire.fetch,
    });
    tabs.push(gatehouse);
    return { gatehouse, wire };
  };

  /** A tab whose code is its own, so that it shares nothing but what browsers share. */
  const openSeparateTab = () => {
    let client!: Client;
    jest.isolateModules(() => {
      client = jest.requireActual<Client>('../../client/src/index');
    });
    return openTab({}, client);
  };

  const reuses = async (userId: string) => {
    const rows = await app.database.query<{ count: string }>(
      `SELECT count(*) FROM audit_events WHERE action = 'refresh.reused' AND user_id = $1`,
      [userId],
    );
    return Number(rows[0]!.count);
  };

  it('have locks and channels here', () => {
    expect([typeof navigator.locks?.request, typeof BroadcastChannel]).toEqual(['function', 'function']);
  });

  it('refresh once between them, a hundred times, and stay logged in', async () => {
    const { gatehouse: first, wire: firstWire } = openSeparateTab();
    const { gatehouse: second, wire: secondWire } = openSeparateTab();
    const ended = jest.fn();
    for (const tab of [first, second]) tab.on('ended', ended);
    const person = await verified(app);
    await first.login(person);
    for (let round = 1; round <= 100; round++) {
      app.clock.advance(15 * MINUTE);
      const answers = await Promise.all([first, second, first, second].map((tab) => tab.api.GET(PROFILE)));
      expect(answers.map(({ data, error }) => data?.id ?? error)).toEqual(Array(4).fill(person.id));
      expect(firstWire.count(REFRESH) + secondWire.count(REFRESH)).toBe(round);
    }
    expect(ended).not.toHaveBeenCalled();
    expect(await reuses(person.id)).toBe(0);
  }, 60_000);

  it('stay logged in without locks as well, as on pages without https', async () => {
    replaceGlobal('navigator', {});
    const { gatehouse: first, wire: firstWire } = openSeparateTab();
    const { gatehouse: second, wire: secondWire } = openSeparateTab();
    const person = await verified(app);
    await first.login(person);
    for (let round = 1; round <= 100; round++) {
      app.clock.advance(15 * MINUTE);
      const answers = await Promise.all([first, second].map((tab) => tab.api.GET(PROFILE)));
      expect(answers.map(({ data, error }) => data?.id ?? error)).toEqual(Array(2).fill(person.id));
    }
    // Otherwise they were not at it at the same time, and this would show nothing.
    expect(firstWire.count(REFRESH) + secondWire.count(REFRESH)).toBeGreaterThan(100);
    expect(await reuses(person.id)).toBe(0);
  }, 60_000);

  it('tell each other of logins, renewals and logouts', async () => {
    const { gatehouse: first } = openTab();
    const { gatehouse: second, wire } = openTab();
    const started = jest.fn();
    const ended = jest.fn();
    second.on('started', started);
    second.on('ended', ended);
    await first.login(await verified(app));
    await eventually(() => started.mock.calls.length > 0);
    const before = second.session!.expiresAt;
    await first.refresh();
    await eventually(() => second.session!.expiresAt.getTime() !== before.getTime());
    await first.logout();
    await eventually(() => ended.mock.calls.length > 0);
    expect(started).toHaveBeenCalledTimes(1);
    expect(ended.mock.calls).toEqual([[{ reason: 'logged_out' }]]);
    expect(second.session).toBeNull();
    expect(wire.calls).toEqual([]);
  });

  it('tell each other why the service has ended the session', async () => {
    const { gatehouse: first } = openTab();
    const { gatehouse: second } = openTab();
    const person = await verified(app);
    await first.login(person);
    await eventually(() => second.session !== null);
    const ended = jest.fn();
    second.on('ended', ended);
    app.clock.advance(31 * 24 * 60 * MINUTE);
    await first.api.GET(PROFILE);
    await eventually(() => ended.mock.calls.length > 0);
    expect(ended.mock.calls).toEqual([[{ reason: 'token_expired' }]]);
  });

  it('notice without a channel what is in the store', async () => {
    const { gatehouse: first } = openTab();
    replaceGlobal('BroadcastChannel', undefined);
    const { gatehouse: deaf } = openTab();
    replaceGlobal('BroadcastChannel', BroadcastChannel);
    const person = await verified(app);
    await first.login(person);
    expect((await deaf.api.GET(PROFILE)).data?.id).toBe(person.id);
    expect(deaf.session).not.toBeNull();
    await first.logout();
    expect((await deaf.api.GET(PROFILE)).error?.code).toBe('unauthenticated');
    expect(deaf.session).toBeNull();
  });

  it('work on when they are closed, and hear and tell nothing more', async () => {
    const { gatehouse: first } = openTab();
    const { gatehouse: second } = openTab();
    const person = await verified(app);
    first.close();
    await first.login(person);
    app.clock.advance(15 * MINUTE);
    expect((await first.api.GET(PROFILE)).data?.id).toBe(person.id);
    expect(second.session).toBeNull();
    expect((await first.logout()).error).toBeUndefined();
    expect(first.session).toBeNull();
  });

  it('do not wait for ever for a lock that a sleeping tab holds', async () => {
    const { gatehouse } = openTab();
    await gatehouse.login(await verified(app));
    let wake!: () => void;
    void navigator.locks.request(`gatehouse:${KEY}`, () => new Promise<void>((resolve) => (wake = resolve)));
    jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 300);
      return controller.signal;
    });
    expect((await gatehouse.refresh()).error).toBeUndefined();
    wake();
  });

  describe('with a storage that other tabs see a moment later, as localStorage is', () => {
    /** One store as two tabs see it. */
    const lateStores = (delay: number) => {
      const views: (StoredSession | null)[] = [null, null];
      return views.map((_, own) => ({
        name: 'late',
        load: () => views[own]!,
        save: (session: StoredSession | null) => {
          views[own] = session;
          setTimeout(() => (views[1 - own] = session), delay);
        },
      }));
    };
    const openTwo = (delay: number) => {
      const [first, second] = lateStores(delay).map((store) => openTab({ store }));
      return { first: first!, second: second! };
    };

    it('a session that is told of can be used', async () => {
      const { first, second } = openTwo(150);
      const person = await verified(app);
      const ended = jest.fn();
      second.gatehouse.on('ended', ended);
      const used = new Promise<string | undefined>((resolve) => {
        second.gatehouse.on('started', () => {
          void second.gatehouse.api.GET(PROFILE).then(({ data }) => resolve(data?.id));
        });
      });
      await first.gatehouse.login(person);
      expect(await used).toBe(person.id);
      expect(ended).not.toHaveBeenCalled();
    });

    it('a session that is told to be over is over', async () => {
      const { first, second } = openTwo(150);
      await first.gatehouse.login(await verified(app));
      await eventually(() => second.gatehouse.session !== null);
      const events: string[] = [];
      second.gatehouse.on('started', () => void events.push('started'));
      second.gatehouse.on('ended', ({ reason }) => void events.push(reason));
      await first.gatehouse.logout();
      await eventually(() => events.length > 0);
      expect((await second.gatehouse.api.GET(PROFILE)).error?.code).toBe('unauthenticated');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect((await second.gatehouse.api.GET(PROFILE)).error?.code).toBe('unauthenticated');
      expect(events).toEqual(['logged_out']);
    });

    it('they stay logged in', async () => {
      const { first, second } = openTwo(20);
      const person = await verified(app);
      await first.gatehouse.login(person);
      await eventually(() => second.gatehouse.session !== null);
      for (let round = 1; round <= 50; round++) {
        // It is late by less than an access token lives.
        await new Promise((resolve) => setTimeout(resolve, 50));
        app.clock.advance(15 * MINUTE);
        const answers = await Promise.all([first, second].map(({ gatehouse }) => gatehouse.api.GET(PROFILE)));
        expect(answers.map(({ data, error }) => data?.id ?? error)).toEqual(Array(2).fill(person.id));
      }
      // Otherwise the second one was never late, and this would show nothing.
      expect(first.wire.count(REFRESH) + second.wire.count(REFRESH)).toBeGreaterThan(50);
      expect(await reuses(person.id)).toBe(0);
    }, 60_000);
  });

  describe('with a storage that fails', () => {
    const broken = () => {
      throw new DOMException('no', 'QuotaExceededError');
    };

    it('log in all the same, each for itself', async () => {
      Object.assign(storage, { getItem: broken, setItem: broken, removeItem: broken });
      const { gatehouse } = openTab();
      const person = await verified(app);
      expect((await gatehouse.login(person)).error).toBeUndefined();
      app.clock.advance(15 * MINUTE);
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe(person.id);
      expect((await gatehouse.logout()).error).toBeUndefined();
      expect(gatehouse.session).toBeNull();
    });

    it('work where there is none at all', async () => {
      replaceGlobal('localStorage', undefined);
      const { gatehouse } = openTab();
      const person = await verified(app);
      await gatehouse.login(person);
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe(person.id);
    });

    it('leave no used refresh token behind for others to present', async () => {
      const { gatehouse: first } = openTab();
      const person = await verified(app);
      await first.login(person);
      const { gatehouse: second } = openTab();
      storage.setItem = broken;
      await first.refresh();
      expect(storage.items.has(KEY)).toBe(false);
      expect((await first.api.GET(PROFILE)).error).toBeUndefined();
      app.clock.advance(MINUTE);
      expect((await second.refresh()).error?.code).toBe('unauthenticated');
      expect((await first.api.GET(PROFILE)).error).toBeUndefined();
      expect(await reuses(person.id)).toBe(0);
    });

    it.each(['{', '17', 'null', '{"accessToken":1}'])('take %s in it for nothing', async (content) => {
      storage.items.set(KEY, content);
      const { gatehouse } = openTab();
      expect(gatehouse.session).toBeNull();
      expect((await gatehouse.api.GET(PROFILE)).error?.code).toBe('unauthenticated');
    });
  });
});

function replaceGlobal(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
