import { setTimeout as sleep } from 'node:timers/promises';
import { freshEmail, PASSWORD } from '../support/actors';
import { TestApp } from '../support/app';

interface MailboxLetter {
  id: string;
  to: string;
  links: string[];
}

const NAME = '<b onclick=alert(1)>Eve</b>';

describe('development mailbox', () => {
  let app: TestApp;
  const open = async (path: string) => {
    const response = await fetch(`${app.http.baseUrl}${path}`);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const letters = async (to = '') => {
    const { text } = await open(`/dev/mailbox/letters${to === '' ? '' : `?to=${encodeURIComponent(to)}`}`);
    return JSON.parse(text) as MailboxLetter[];
  };
  const signUp = async () => {
    const email = freshEmail();
    await app.http.post('/api/auth/register', { email, password: PASSWORD, name: NAME });
    for (let tries = 0; tries < 200 && (await letters(email)).length === 0; tries++) await sleep(25);
    return email;
  };

  beforeAll(async () => {
    app = await TestApp.start({ smtpUrl: null });
  });

  afterAll(() => app.close());

  describe('GET /dev/mailbox', () => {
    it('is an empty page at first', async () => {
      const { status, headers, text } = await open('/dev/mailbox');
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(text).toContain('No letters yet');
    });

    it('lists letters with nothing inline and everything escaped', async () => {
      const email = await signUp();
      const { text } = await open('/dev/mailbox');
      expect(text).toContain(`to ${email}`);
      expect(text).toContain('&lt;b onclick&#x3D;alert(1)&gt;Eve&lt;/b&gt;');
      expect(text).not.toMatch(/<b |<script|<style| style=/);
      expect(text).toMatch(/<a href="[^"]+\/verify-email#token&#x3D;[\w-]{43}"/);
    });

    it('has its style in a file', async () => {
      const { status, headers } = await open('/dev/mailbox/style.css');
      expect([status, headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    });
  });

  describe('GET /dev/mailbox/letters', () => {
    it('is every letter, the newest first', async () => {
      const [first, second] = [await signUp(), await signUp()];
      const [newest, older] = await letters();
      expect([newest!.to, older!.to]).toEqual([second, first]);
      expect(newest).toMatchObject({
        from: 'Gatehouse <gatehouse@localhost.localdomain>',
        subject: 'Confirm your email address',
        messageId: expect.stringMatching(/^<[\da-f-]{36}@localhost\.localdomain>$/),
        receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        links: [expect.stringMatching(/^http:\/\/localhost:3000\/verify-email#token=[\w-]{43}$/)],
        text: expect.stringContaining(`Hello ${NAME},`),
        html: expect.stringContaining('Hello &lt;b onclick&#x3D;alert(1)&gt;Eve&lt;/b&gt;,'),
      });
    });

    it('is those of one recipient on request', async () => {
      const email = await signUp();
      expect(await letters(email.toUpperCase())).toEqual([expect.objectContaining({ to: email })]);
      expect(await letters('nobody@example.org')).toEqual([]);
    });
  });

  describe('GET /dev/mailbox/letters/:id', () => {
    it('is the letter itself, without scripts, its links opening outside', async () => {
      const [letter] = await letters(await signUp());
      const { status, headers, text } = await open(`/dev/mailbox/letters/${letter!.id}`);
      expect(status).toBe(200);
      expect(headers.get('content-security-policy')).toMatch(
        /^sandbox allow-popups allow-popups-to-escape-sandbox;/,
      );
      expect(headers.get('content-security-policy')).not.toContain('script');
      expect(text).toContain('<base target="_blank">');
    });

    it('of no letter is 404 not_found', async () => {
      const { status, text } = await open('/dev/mailbox/letters/none');
      expect(status).toBe(404);
      expect(JSON.parse(text)).toMatchObject({ code: 'not_found' });
    });
  });

  it('is not there where a mail server is configured', async () => {
    const other = await TestApp.start();
    const { status } = await fetch(`${other.http.baseUrl}/dev/mailbox`);
    expect(status).toBe(404);
    await other.close();
  });
});
