import { Config } from '../../src/config/config';
import { PasswordPolicy } from '../../src/auth/passwords/password-policy';
import { PASSWORD_RULES, type PasswordPolicy as Policy } from '../../web/src/forms/password-rules';
import { strengthOf } from '../../web/src/forms/strength';

const PASSWORDS = [
  '',
  'a',
  'a1!',
  'abcdefgh',
  'correct horse',
  'correct horse 7 battery!',
  'пароль семь 7',
  '12345678!',
  'e\u0301e\u0301e\u03011 ',
  '😀😀😀😀😀😀😀1a',
  'a long sentence without any number',
  '\u0661\u0662\u0663 abcdefghijklm',
];

describe.each<Policy>(['composition', 'nist'])('the password rules that pages show under %s', (policy) => {
  const service = new PasswordPolicy(
    Object.assign(new Config(), {
      passwords: { policy, bcryptCost: 4, peppers: [] },
      http: { publicUrl: 'http://localhost:3000' },
      mail: { from: 'Gatehouse <gatehouse@localhost.localdomain>' },
    }),
  );
  const SHOWN = new Set(['too_short', 'missing_letter', 'missing_digit', 'missing_special']);

  it.each(PASSWORDS)('say of %j what the service says', (password) => {
    const refused = service.violations(password, {}, 'password').filter(({ code }) => SHOWN.has(code));
    const broken = PASSWORD_RULES[policy].filter(({ isKept }) => !isKept(password));
    expect(broken).toHaveLength(refused.length);
  });
});

describe('strength', () => {
  it.each([
    ['', 0],
    ['password', 0],
    ['Password1!', 0],
    ['aaaaaaaaaaaaaaaaaaaa', 0],
    ['abcdefghijklmnop', 0],
    ['Summer2026!', 0],
    ['kT4#vQz', 2],
    ['correct horse 7 battery!', 4],
    ['wR8$kPz2!mQx', 4],
  ])('of %j is %d', (password, strength) => {
    expect(strengthOf(password)).toBe(strength);
  });

  it('what is known of the owner counts little', () => {
    expect(strengthOf('lovelace-ada-1815')).toBeGreaterThan(
      strengthOf('lovelace-ada-1815', ['Ada Lovelace']),
    );
  });

  it('never falls while somebody goes on typing something new', () => {
    const grades = [...'xK4# mQ9w-zT7p'].map((_, at, all) => strengthOf(all.slice(0, at + 1).join('')));
    expect(grades).toEqual(grades.toSorted((a, b) => a - b));
  });

  it('takes a long text without delay', () => {
    const started = performance.now();
    strengthOf('x1!'.repeat(50_000), ['ada lovelace']);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
