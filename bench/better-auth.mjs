// Requests to Better Auth. It counts a client by the header that a proxy would set, and nobody without it.
import { message } from './messages.mjs';
import { PASSWORD } from './people.mjs';
import { PRODUCTION } from './settings.mjs';

const ALWAYS = { 'X-Forwarded-For': '192.0.2.1', Origin: PRODUCTION.PUBLIC_URL };
let people = 0;

export function request(method, path, { headers, body } = {}) {
  return message(method, `/api/auth${path}`, { headers: { ...ALWAYS, ...headers }, body });
}

export const newAccount = () => ({
  email: `peer${people++}@example.org`,
  password: PASSWORD,
  name: 'Somebody',
});

/** So many new accounts, each with the session that signing up opens: cookies and bearer token. */
export async function signUp(world, server, count) {
  const made = [];
  while (made.length < count) {
    const account = newAccount();
    const answer = await (
      await world.server(server)
    ).fetch('/api/auth/sign-up/email', {
      method: 'POST',
      headers: { ...ALWAYS, 'Content-Type': 'application/json' },
      body: JSON.stringify(account),
    });
    if (answer.status !== 200)
      throw new Error(`Better Auth answered ${answer.status}: ${await answer.text()}`);
    const { user } = await answer.json();
    const cookie = answer.headers.getSetCookie().map((each) => each.split(';')[0]);
    made.push({ ...account, user, cookie: cookie.join('; '), token: answer.headers.get('set-auth-token') });
  }
  return made;
}
