import { PasswordPolicy, type PasswordOwner } from '../../src/auth/passwords/password-policy';
import { AppError } from '../../src/common/errors/app-error';
import { Config } from '../../src/config/config';

const GOOD = 'correct horse 7 battery!';
const composition = policyOf('composition');
const nist = policyOf('nist');

function policyOf(policy: 'composition' | 'nist'): PasswordPolicy {
  return new PasswordPolicy(
    Object.assign(new Config(), {
      passwords: { policy, bcryptCost: 4, peppers: [] },
      http: { publicUrl: 'https://gate.example' },
      mail: { from: 'Gate House <mail@gate.example>' },
    }),
  );
}

function codesOf(password: string, about: PasswordOwner = {}, policy = composition): string[] {
  return policy.violations(password, about, 'password').map(({ code }) => code);
}

describe('length', () => {
  it('is 8 to 128 characters', () => {
    expect(codesOf('horse 7')).toEqual(['too_short']);
    expect(codesOf('my cat 7')).toEqual([]);
    expect(codesOf(`a 1${'x'.repeat(125)}`)).toEqual([]);
    expect(codesOf(`a 1${'x'.repeat(126)}`)).toEqual(['too_long']);
  });

  it('counts code points rather than UTF-16 units', () => {
    expect(codesOf('a1🔑🐎🔋🧲')).toEqual(['too_short']);
    expect(codesOf('a1🔑🐎🔋🧲🪿🫀')).toEqual([]);
    expect(codesOf(`horse1${'🔑'.repeat(122)}`)).not.toContain('too_long');
    expect(codesOf(`horse1${'🔑'.repeat(123)}`)).toEqual(['too_long']);
  });

  it('counts the composed form', () => {
    expect(codesOf(`1!${'e\u0301'.repeat(5)}`)).toEqual(['too_short']);
    expect(codesOf(`b1!${'e\u0301'.repeat(125)}`)).toEqual([]);
    // The longest decomposition there is: three characters of two units each.
    expect(codesOf(`abc1!${'\u{16126}'.normalize('NFD').repeat(123)}`)).toEqual([]);
  });

  it('refuses an absurd length without looking at the rest', () => {
    const crafted = `a${'\u0300\u0316'.repeat(25_000)}`;
    const normalize = jest.spyOn(String.prototype, 'normalize');
    expect(codesOf(crafted)).toEqual(['too_long']);
    expect(normalize).not.toHaveBeenCalled();
    normalize.mockRestore();
  });
});

describe('composition', () => {
  it('asks for a letter, a digit and a special character, and names each that is missing', () => {
    expect(codesOf('4071 3359!')).toEqual(['missing_letter']);
    expect(codesOf('horse battery!')).toEqual(['missing_digit']);
    expect(codesOf('horsebattery7')).toEqual(['missing_special']);
    expect(codesOf('')).toEqual(['too_short', 'missing_letter', 'missing_digit', 'missing_special']);
  });

  it('takes letters and digits of any script', () => {
    expect(codesOf('пароль ٣ надёжный')).toEqual([]);
    expect(codesOf('密碼很安全 ７ 個字')).toEqual([]);
    expect(codesOf('पासवर्ड७')).toEqual(['missing_special']);
  });

  it.each(['space ', 'emoji🔑', 'euro€', 'under_score', 'half½'])('takes for special: %s', (text) => {
    expect(codesOf(`${text}horse7`)).toEqual([]);
  });
});

describe('characters', () => {
  it.each([
    ['NUL', 'horse 7\0battery'],
    ['a lone high surrogate', 'horse 7 battery\ud83d'],
    ['a lone low surrogate', 'horse 7 \udd11battery'],
  ])('refuses %s', (_what, password) => {
    expect(codesOf(password)).toEqual(['invalid_characters']);
  });
});

describe('common passwords', () => {
  it.each(['p@ssw0rd', 'P@SSW0RD', '1qaz@wsx', 'NCC-1701', 'nick1234-rem936'])('refuses %s', (password) => {
    expect(codesOf(password)).toEqual(['too_common']);
  });

  it('says so beside the other rules that are broken', () => {
    expect(codesOf('Password')).toEqual(['missing_digit', 'missing_special', 'too_common']);
  });

  it('compares the whole password', () => {
    expect(codesOf('p@ssw0rd and more')).toEqual([]);
    expect(codesOf('my p@ssw0rd')).toEqual([]);
  });
});

describe('the owner', () => {
  const about = { email: 'Ada.L1@example.org', name: 'Zoë 7 Lovelace' };

  it.each(['ada.l1@EXAMPLE.org', 'ADA.L1@example.org'])('refuses the email address as %s', (password) => {
    expect(codesOf(password, about)).toEqual(['same_as_email']);
  });

  it('refuses the local part', () => {
    expect(codesOf('ada.lovelace-1815', { email: 'Ada.Lovelace-1815@example.org' })).toEqual([
      'same_as_email',
    ]);
  });

  it('refuses the name in any letter case and composition', () => {
    expect(codesOf('zoe\u0308 7 LOVELACE', about)).toEqual(['same_as_name']);
    expect(codesOf(' Ada 1815 ', { name: ' Ada 1815 ' })).toEqual(['same_as_name']);
  });

  it('allows passwords that merely contain them', () => {
    expect(codesOf('Ada.L1@example.org and I', about)).toEqual([]);
    expect(codesOf('my name is Zoë 7 Lovelace', about)).toEqual([]);
  });

  it('need not have a name', () => {
    expect(codesOf(GOOD, { email: 'ada@example.org', name: null })).toEqual([]);
    expect(codesOf('', { email: '', name: '' })).not.toContain('same_as_name');
  });
});

describe('PASSWORD_POLICY=nist', () => {
  it('asks for 15 characters of any kind', () => {
    expect(codesOf('correct horse!', {}, nist)).toEqual(['too_short']);
    expect(codesOf('correcthorsebat', {}, nist)).toEqual([]);
    expect(codesOf(`horse battery ${'x'.repeat(114)}`, {}, nist)).toEqual([]);
    expect(codesOf(`horse battery ${'x'.repeat(115)}`, {}, nist)).toEqual(['too_long']);
  });

  it('keeps the other rules', () => {
    expect(codesOf('PasswordPassword', {}, nist)).toEqual(['too_common']);
    expect(codesOf('ada.lovelace.1815', { email: 'ada.lovelace.1815@example.org' }, nist)).toEqual([
      'same_as_email',
    ]);
    expect(codesOf('augusta ada king', { name: 'Augusta Ada King' }, nist)).toEqual(['same_as_name']);
    expect(codesOf('correcthorsebat\0', {}, nist)).toEqual(['invalid_characters']);
  });
});

describe('assert', () => {
  it('throws validation_failed with an entry for each broken rule of the field', () => {
    const thrown = errorOf(() => composition.assert('mycat', {}, 'newPassword'));
    expect(thrown).toMatchObject({ key: 'validation_failed' });
    expect(thrown.errors).toEqual([
      { field: 'newPassword', code: 'too_short', message: 'must have at least 8 characters' },
      { field: 'newPassword', code: 'missing_digit', message: expect.any(String) },
      { field: 'newPassword', code: 'missing_special', message: expect.any(String) },
    ]);
    expect(JSON.stringify(thrown.errors)).not.toContain('mycat');
  });

  it('is silent about a good password', () => {
    expect(() =>
      composition.assert(GOOD, { email: 'ada@example.org', name: 'Ada' }, 'password'),
    ).not.toThrow();
  });
});

function errorOf(action: () => void): AppError {
  try {
    action();
  } catch (error) {
    return error as AppError;
  }
  throw new Error('Nothing was thrown');
}
