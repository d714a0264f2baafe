import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { Config } from '../../src/config/config';
import { LETTER_NAMES, type LetterName } from '../../src/mail/letter-job';
import { Renderer } from '../../src/mail/renderer';

const WORDS = join(__dirname, '../../src/mail/templates/en');
const SENTENCE_OF_THE_BUTTON = 'one click ends every session,';

const LINK = 'https://gatehouse.example/page#token=kMZ3vWkWvhq4mYwq0mW5mYxg0x8hB0rYv1zq2m3n4o5';
const greeting = { name: 'Ada' };
const invitation = { ...greeting, link: LINK, expiresIn: '1 hour' };
const notice = {
  ...greeting,
  link: LINK,
  device: 'Firefox on Windows',
  ip: '2001:db8::7',
  time: 'Sat, 01 Aug 2026 09:30:00 GMT',
};
const addressNotice = { ...notice, newEmail: 'ada@new.example' };

/** Everything a letter may name, and nothing it may not. */
const VARIABLES: Record<LetterName, Record<string, string>> = {
  'verify-email': invitation,
  'account-exists': greeting,
  'reset-password': invitation,
  'password-reset': notice,
  'password-changed': notice,
  'new-device': notice,
  'refresh-reused': notice,
  'email-change': invitation,
  'email-change-requested': addressNotice,
  'email-changed': addressNotice,
  'password-breached': invitation,
  'password-locked': { ...notice, failures: '100' },
  'login-after-failures': { ...notice, failures: '7' },
};
const LETTERS = Object.entries(VARIABLES) as [LetterName, Record<string, string>][];
const LINKED = LETTERS.filter(([, { link }]) => link !== undefined);
const NOTICES = LETTERS.filter(([, { device }]) => device !== undefined);

const HOSTILE = `"'\`><script>alert(1)</script>{{link}}\r\nBcc: eve\u2028\u202E`;

describe('letters', () => {
  const renderer = new Renderer(
    Object.assign(new Config(), {
      mail: { from: 'Gate & "House" <mail@gatehouse.example>', retryLimit: 1 },
      http: { publicUrl: 'https://gatehouse.example' },
      brand: {},
    }),
  );
  const render = (name: LetterName, variables = VARIABLES[name]) =>
    renderer.render(name, undefined, variables);

  it('every letter has its words, and all words belong to a letter', () => {
    const files = readdirSync(WORDS).filter((file) => file !== 'frame.hbs');
    expect(files.sort()).toEqual(LETTER_NAMES.map((name) => `${name}.hbs`).sort());
  });

  describe.each(LETTERS)('%s', (name, variables) => {
    it('reads like this', () => {
      const { subject, text, html } = render(name);
      expect(`Subject: ${subject}\n\n${text}`).toMatchSnapshot('text');
      expect(html).toMatchSnapshot('HTML');
    });

    it('is short and calm', () => {
      expect(readFileSync(join(WORDS, `${name}.hbs`), 'utf8')).not.toContain('!');
      expect(render(name).subject.length).toBeLessThanOrEqual(50);
      // Half a minute, at the 240 words a minute that people read.
      expect(wordsOf(render(name).text)).toBeLessThanOrEqual(120);
    });

    it('greets nobody where there is no name', () => {
      const { text, html } = render(name, { ...variables, name: '' });
      expect(text).toContain('\nHello,\n');
      expect(html).toContain('>Hello,<');
    });

    it.each(Object.keys(variables))('takes nothing but text from %s', (variable) => {
      const value = variable === 'link' ? `${LINK}${HOSTILE}` : HOSTILE;
      const [plain, hostile] = [render(name), render(name, { ...variables, [variable]: value })];
      expect(hostile.subject).not.toMatch(/\p{Cc}|[\u2028\u202E]/u);
      expect(hostile.html).not.toMatch(/<script|\r|[\u2028\u202E]/);
      expect(tagsOf(hostile.html)).toEqual(tagsOf(plain.html));
      expect(hostile.text).not.toMatch(/\r|[\u2028\u202E]/);
      expect(hostile.text.split('\n')).toHaveLength(plain.text.split('\n').length);
      // It is there, and was not taken for a template.
      expect(hostile.text).toContain(`<script>alert(1)</script>{{link}} Bcc: eve`);
      expect(hostile.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;{{link}} Bcc: eve');
    });

    it('is not written where a variable is missing, but for the name, which not everybody has', () => {
      for (const missing of Object.keys(variables).filter((variable) => variable !== 'name')) {
        const { [missing]: _, ...others } = variables;
        expect(() => render(name, others)).toThrow(
          missing === 'link' ? 'a button needs a link' : `"${missing}" not defined`,
        );
      }
    });

    it('loads nothing and leads nowhere but to its link', () => {
      const { text, html } = render(name);
      expect(html).not.toMatch(
        /\s(src|srcset|background|action)=|url\(|@import|<(link|img|script|form|iframe)/i,
      );
      for (const part of [text, unescaped(html)])
        for (const address of part.match(/\b(https?:)?\/\/[^\s"<]+|\bwww\.\S+/g) ?? [])
          expect(address).toBe(LINK);
    });
  });

  it.each(LINKED)('%s has its link in both parts', (name) => {
    const { text, html } = render(name);
    expect(text).toContain(`:\n${LINK}\n`);
    const hrefs = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => unescaped(href!));
    expect(hrefs).toEqual([LINK, LINK]);
  });

  it.each(LINKED)('%s links to the web only', (name, variables) => {
    for (const link of ['javascript:alert(1)', 'data:text/html,x', '/not-me'])
      expect(() => render(name, { ...variables, link })).toThrow(/the web only|Invalid URL/);
  });

  it.each(NOTICES)('%s says when, where and what its button does', (name, variables) => {
    const { text } = render(name);
    const facts = [variables.time, variables.device, variables.ip, variables.newEmail ?? ''];
    for (const fact of [...facts, 'This was not me', SENTENCE_OF_THE_BUTTON]) expect(text).toContain(fact);
  });

  it('account-exists has neither button nor link', () => {
    const { text, html } = render('account-exists');
    expect(html).not.toMatch(/<a |href=|If the button does not work/);
    expect(text).not.toMatch(/undefined|If the button|:\n/);
  });
});

/** Tags with all their attributes, but for where they lead. */
function tagsOf(html: string): string[] {
  return html.match(/<[^>]*>/g)!.map((tag) => tag.replace(/href="[^"]*"/, 'href'));
}

function wordsOf(text: string): number {
  const [body = ''] = text.replace(LINK, '').split('\n-- \n');
  return body.trim().split(/\s+/).length;
}

function unescaped(html: string): string {
  return html.replaceAll(Handlebars.escapeExpression(LINK), LINK);
}
