import type { Problem } from 'gatehouse-client';
import { gatehouse } from '../session/client';

/** Downloads all that is stored about the user as a file. */
export async function downloadExport(email: string, password?: string): Promise<Problem | undefined> {
  const refusal = password === undefined ? undefined : await signInAgain(email, password);
  if (refusal) return refusal;
  const { data, error } = await gatehouse.api.GET('/api/auth/export', { parseAs: 'blob' });
  if (error) return error;
  save(data as unknown as Blob, `account-${new Date().toISOString().slice(0, 10)}.json`);
  return undefined;
}

/** The service asks for a recent login, and this request has no body for the password: a new session takes over. */
async function signInAgain(email: string, password: string): Promise<Problem | undefined> {
  const { data: devices } = await gatehouse.api.GET('/api/auth/sessions');
  const { error } = await gatehouse.login({ email, password });
  if (error) return error;
  const before = devices?.find(({ current }) => current);
  if (before)
    await gatehouse.api.DELETE('/api/auth/sessions/{id}', { params: { path: { id: before.id } }, body: {} });
  return undefined;
}

function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  // The browser has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
