import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestApp } from '../support/app';
import { freshEmail } from '../support/actors';

/** Of characters that hydra sends as they are. */
const PASSWORD = 'Correct-Horse-7-Battery';
const PASSWORDS = 1_000;
/**
 * Where the right one stands in the list. Beyond the budget of a minute, and early enough to be tried within the first
 * second's block on any machine, so that the test does not depend on the luck of the attacker.
 */
const POSITION = 30;
/** What docs/back-off.md promises for a minute, from a fresh start. */
const BUDGET = 10;
const LONGEST_ATTACK_MS = 45_000;

/** Debian's 9.4 reads the condition behind the options, against its own help; later ones in front of them. */
const FORMS = [
  (path: string, body: string, options: string, condition: string) => [path, body, options, condition],
  (path: string, body: string, options: string, condition: string) => [path, body, condition, options],
];

describe('hydra, the password cracker', () => {
  let app: TestApp;
  let folder: string;

  beforeAll(async () => {
    if (spawnSync('hydra', ['-h']).error) throw new Error('hydra is not installed; .ci/run installs it');
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-hydra-'));
    app = await TestApp.start({ env: { EMAIL_VERIFICATION: 'off' } });
  });
  afterAll(async () => {
    await app?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const register = async () => {
    const email = freshEmail();
    const { headers } = await app.http.post('/api/auth/register', { email, password: PASSWORD });
    return { email, device: headers.getSetCookie()[0]!.split(';')[0]! };
  };
  const login = async (email: string, headers: Record<string, string> = {}) =>
    (await app.http.post('/api/auth/login', { email, password: PASSWORD }, { headers })).status;
  const answered = async () => {
    const rows = await app.database.query<{ count: number }>(
      `SELECT count(*)::int FROM audit_events WHERE action = 'login.failed'`,
    );
    return rows[0]!.count;
  };

  /** Tries the passwords in their order, 16 at a time, as fast as it gets answers. Returns what it has printed. */
  const attack = async (email: string, passwords: string[]): Promise<string> => {
    const list = join(folder, 'passwords');
    writeFileSync(list, passwords.join('\n'));
    const { hostname, port } = new URL(app.http.baseUrl);
    let output = '';
    for (const form of FORMS) {
      const body = `{"email"\\:"${email}","password"\\:"^PASS^"}`;
      const options = 'g=:H=Content-Type\\: application/json';
      const module = form('/api/auth/login', body, options, 'S=access_token').join(':');
      const flags = ['-I', '-V', '-f', '-t', '16', '-l', email, '-P', list, '-s', port];
      output = await run([...flags, hostname, 'http-post-form', module]);
      if (!/\[ERROR\].*optional parameter/.test(output)) break;
    }
    return output;
  };
  const run = async (args: string[]): Promise<string> => {
    const child = spawn('hydra', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const stop = setTimeout(() => child.kill('SIGKILL'), LONGEST_ATTACK_MS);
    await new Promise((resolve) => child.once('close', resolve));
    clearTimeout(stop);
    return output;
  };
  const listWithRightAt = (position: number, length: number) =>
    Array.from({ length }, (_, index) =>
      index + 1 === position ? PASSWORD : `Wrong-Horse-${index}-Battery`,
    );

  it('finds a password among the first four it tries', async () => {
    const { email } = await register();
    expect(await attack(email, listWithRightAt(4, 4))).toContain(`password: ${PASSWORD}`);
  }, 60_000);

  it('does not find it in a list of 1,000; the owner logs in meanwhile from a known device', async () => {
    const { email, device } = await register();
    const before = await answered();
    const attacked = attack(email, listWithRightAt(POSITION, PASSWORDS));
    while ((await answered()) < before + 6) await sleep(20);
    // Strangers are held back, be it with the right password; the owner's browser is not.
    expect(await login(email)).toBe(401);
    const guesses = (await answered()) - before;
    expect(await login(email, { Cookie: device })).toBe(200);
    const output = await attacked;
    expect(output).toContain('0 valid password');
    expect(output).not.toContain(`password: ${PASSWORD}`);
    // It did try them all, and hardly any was looked at: a budget before and one after the owner's login.
    const tried = output.match(/\[ATTEMPT\]/g)!.length;
    const total = (await answered()) - before;
    process.stdout.write(
      `  hydra tried ${tried} passwords; ${total} were compared, ${guesses} by the owner's login\n`,
    );
    expect(tried).toBeGreaterThanOrEqual(PASSWORDS);
    expect(guesses).toBeLessThanOrEqual(BUDGET);
    expect(total).toBeLessThanOrEqual(2 * BUDGET);
  }, 90_000);
});
