// The users' own rows: row-level security, in transactions of their own.
import { bearer, inTurn, message } from '../messages.mjs';

/** Nobody may have more than 10,000 tasks. */
const MAKERS = 200;
const READERS = 50;
const TASKS_OF_A_READER = 20;

export const LIST = {
  name: 'task list',
  server: 'gatehouse',
  async requests(world) {
    const people = await world.people();
    const users = await people.users(READERS);
    for (const user of users) await people.tasks(user, TASKS_OF_A_READER);
    const sessions = await people.sessions('bearer', READERS, users);
    return inTurn(
      sessions.map(({ user, accessToken }) =>
        message('GET', `/api/users/${user.id}/tasks`, { headers: bearer(accessToken) }),
      ),
      '"title":"Task 19"',
    );
  },
};

export const CREATE = {
  name: 'task create',
  server: 'gatehouse',
  async requests(world) {
    const people = await world.people();
    const sessions = await people.sessions('bearer', MAKERS, await people.users(MAKERS));
    return inTurn(
      sessions.map(({ user, accessToken }) =>
        message('POST', `/api/users/${user.id}/tasks`, {
          headers: bearer(accessToken),
          body: { title: 'Water the plants', description: 'All but the cactus' },
        }),
      ),
      '"title":"Water',
    );
  },
};

export const lines = [LIST, CREATE];

export const targets = [];
