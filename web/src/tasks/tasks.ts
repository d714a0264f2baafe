import { gatehouse } from '../session/client';

export interface Task {
  id: string;
  title: string;
  description: string;
  completed: boolean;
}

export type Tasks = ReturnType<typeof tasksOf>;

const ALL = '/api/users/{userId}/tasks';
const ONE = '/api/users/{userId}/tasks/{taskId}';

/** The calls for one user's tasks. */
export function tasksOf(userId: string) {
  const at = (taskId: string) => ({ path: { userId, taskId } });
  return {
    list: (cursor?: string) => gatehouse.api.GET(ALL, { params: { path: { userId }, query: { cursor } } }),
    add: (title: string, description: string) =>
      gatehouse.api.POST(ALL, {
        params: { path: { userId } },
        body: { title, description, completed: false },
      }),
    change: ({ id }: Task, body: Partial<Omit<Task, 'id'>>) =>
      gatehouse.api.PUT(ONE, { params: at(id), body }),
    remove: ({ id }: Task) => gatehouse.api.DELETE(ONE, { params: at(id) }),
  };
}
