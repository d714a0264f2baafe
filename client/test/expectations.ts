/**
 * What an application may rely on, held by the compiler: test/e2e/client-package.e2e-spec.ts compiles this file against
 * the packed package. It is never run. Each `@ts-expect-error` fails the compilation where there is no error.
 */
import {
  createClient,
  localStorageStore,
  memoryStore,
  type Api,
  type EndReason,
  type ErrorCode,
  type Gatehouse,
  type Problem,
  type Result,
  type Session,
  type SessionStore,
  type User,
} from 'gatehouse-client';

type Same<One, Other> =
  (<Value>() => Value extends One ? 1 : 2) extends <Value>() => Value extends Other ? 1 : 2 ? true : false;
declare function same<One, Other>(isSo: Same<One, Other>): void;
declare function shown(...values: unknown[]): void;

const gatehouse: Gatehouse = createClient();

export async function calls(api: Api): Promise<void> {
  const profile = await api.GET('/api/auth/profile');
  same<typeof profile.error, Problem | undefined>(true);
  if (profile.error) {
    same<typeof profile.data, undefined>(true);
    same<typeof profile.error.code, ErrorCode>(true);
    const seconds: number | undefined = profile.error.retryAfter;
    const fields: string[] | undefined = profile.error.errors?.map(({ field }) => field);
    shown(seconds, fields, profile.error.code === 'unreachable');
    // @ts-expect-error: the list of codes is closed
    shown(profile.error.code === 'no_such_code');
  } else {
    const user: User = profile.data;
    shown(user.email);
    // @ts-expect-error: there is no such field
    shown(user.password);
  }

  // Those that document no error of their own can fail as well.
  const status = await api.GET('/health/live');
  same<typeof status.error, Problem | undefined>(true);

  await api.DELETE('/api/auth/sessions/{id}', { params: { path: { id: 'x' } } });
  await api.PUT('/api/auth/profile', { body: { name: 'Ada' }, signal: AbortSignal.timeout(1000) });
  await api.POST('/api/auth/logout-all', { body: {} });
  // What has a default may be left out.
  await api.POST('/api/auth/login', { body: { email: 'a', password: 'b' } });

  // @ts-expect-error: no such path
  await api.GET('/api/auth/nothing');
  // @ts-expect-error: no such method of the path
  await api.PUT('/api/auth/login', { body: { email: 'a', password: 'b' } });
  // @ts-expect-error: the id is missing
  await api.DELETE('/api/auth/sessions/{id}');
  // @ts-expect-error: the password is missing
  await api.POST('/api/auth/login', { body: { email: 'a' } });
  // @ts-expect-error: a name is a text
  await api.PUT('/api/auth/profile', { body: { name: 17 } });
}

export async function sessions(): Promise<void> {
  const { data, error } = await gatehouse.login({ email: 'a', password: 'b' });
  same<typeof error, Problem | undefined>(true);
  if (error) shown(error.detail);
  else same<typeof data, { user: User }>(true);

  const refreshed: Result<Session> = await gatehouse.refresh();
  if (refreshed.data) same<typeof refreshed.data.expiresAt, Date>(true);
  const until: Date | undefined = gatehouse.session?.expiresAt;
  shown(until);
  // @ts-expect-error: it is the client's to know
  gatehouse.session = null;

  const registered = await gatehouse.register({ email: 'a', password: 'b' });
  if (registered.data?.verificationRequired) shown('look at your mail');
  await gatehouse.logout();
  await gatehouse.logoutEverywhere();
  await gatehouse.logoutEverywhere({ exceptCurrent: true, password: 'b' });
  // @ts-expect-error: the password is missing
  await gatehouse.login({ email: 'a' });
}

export function events(): void {
  const stop: () => void = gatehouse.on('ended', ({ reason }) => same<typeof reason, EndReason>(true));
  gatehouse.on('expiring', ({ expiresAt }) => same<typeof expiresAt, Date>(true));
  gatehouse.on('started', ({ transport }) => same<typeof transport, 'bearer' | 'cookie'>(true));
  // @ts-expect-error: no such event
  gatehouse.on('finished', () => undefined);
  stop();
  gatehouse.close();
}

export function options(): void {
  const store: SessionStore = { load: async () => null, save: async () => undefined };
  createClient({ baseUrl: 'https://auth.example.org', transport: 'bearer', store });
  createClient({ store: localStorageStore('key'), expiringSeconds: 30, patienceSeconds: 0 });
  createClient({ store: memoryStore(), fetch: globalThis.fetch });
  createClient({
    onSessionExpiring: ({ expiresAt }) => shown(expiresAt),
    onSessionEnded: () => undefined,
  });
  // @ts-expect-error: no such transport
  createClient({ transport: 'pigeon' });
}
