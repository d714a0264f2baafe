import { login, type LoggedIn } from './actors';
import type { TestApp } from './app';

/** Makes something of a user's and returns its ids, by the names of the path's parameters. */
type Sample = (app: TestApp, owner: LoggedIn) => Promise<Record<string, string>>;

/** For every path with an id in it: test/e2e/cross-user.e2e-spec.ts tries to get at it as somebody else. */
export const SAMPLES: Record<string, Sample> = {
  '/api/auth/sessions/{id}': async (app, owner) => {
    await login(app, owner);
    const { body } = await app.http.get<{ id: string; current: boolean }[]>('/api/auth/sessions', owner);
    return { id: body.find(({ current }) => !current)!.id };
  },
  '/api/users/{userId}': (_, owner) => Promise.resolve({ userId: owner.id }),
  '/api/users/{userId}/tasks': (_, owner) => Promise.resolve({ userId: owner.id }),
  '/api/users/{userId}/tasks/{taskId}': async (app, owner) => ({
    userId: owner.id,
    taskId: await create(app, owner, 'tasks', { title: 'Of the owner alone' }),
  }),
};

/** Posts to a collection below the owner's path. Returns the id of what is made. */
async function create(app: TestApp, { id, token }: LoggedIn, collection: string, body: object) {
  const made = await app.http.post<{ id: string }>(`/api/users/${id}/${collection}`, body, { token });
  if (made.status !== 201) throw new Error(`POST ${collection} answered ${made.status}`);
  return made.body.id;
}
