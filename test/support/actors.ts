import type { TestApp } from './app';

export const PASSWORD = 'correct horse 7 battery!';

let count = 0;
export const freshEmail = () => `person${++count}@example.org`;

export interface Actor {
  id: string;
  email: string;
  password: string;
}

export interface LoggedIn extends Actor {
  token: string;
  refreshToken: string;
}

/** Someone who has signed up but not clicked the link yet. */
export async function unverified(app: TestApp, email = freshEmail()): Promise<Actor> {
  const { status, body } = await app.http.post<{ user: { id: string } }>('/api/auth/register', {
    email,
    password: PASSWORD,
  });
  if (status !== 201) throw new Error(`registration answered ${status}`);
  return { id: body.user.id, email, password: PASSWORD };
}

/** Someone who has clicked the link of the letter. */
export async function verified(app: TestApp, email = freshEmail()): Promise<Actor> {
  const actor = await unverified(app, email);
  const { token } = await app.mailbox.waitFor(email);
  const { status } = await app.http.post('/api/auth/verify', { token });
  if (status !== 200) throw new Error(`verification answered ${status}`);
  return actor;
}

/** Someone with a bearer session. */
export async function loggedIn(app: TestApp, email = freshEmail()): Promise<LoggedIn> {
  const actor = await verified(app, email);
  return { ...actor, ...(await login(app, actor)) };
}

export async function login(app: TestApp, { email, password }: Pick<Actor, 'email' | 'password'>) {
  const { status, body } = await app.http.post<Record<string, string>>('/api/auth/login', {
    email,
    password,
  });
  if (status !== 200) throw new Error(`login answered ${status}`);
  return { token: body.access_token!, refreshToken: body.refresh_token! };
}

/** The headers of a browser with a session by cookie: for reading and changing. */
export async function inBrowser(app: TestApp, { email, password }: Pick<Actor, 'email' | 'password'>) {
  const { status, headers, body } = await app.http.post<{ csrfToken: string }>('/api/auth/login', {
    email,
    password,
    transport: 'cookie',
  });
  if (status !== 200) throw new Error(`login answered ${status}`);
  return { Cookie: headers.get('set-cookie')!.split(';')[0]!, 'X-CSRF-Token': body.csrfToken };
}
