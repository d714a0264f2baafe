import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PasswordPolicy, type PasswordOwner } from '../../src/auth/passwords/password-policy';
import { Config } from '../../src/config/config';

/** Core, what it is, what is refused and what is not. */
const ROW = /^\| (?:`(\w+)`)? +\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm;

const composition = policyOf('composition');
const nist = policyOf('nist');

function policyOf(policy: 'composition' | 'nist'): PasswordPolicy {
  return new PasswordPolicy(
    Object.assign(new Config(), {
      passwords: { policy, bcryptCost: 4, peppers: [] },
      http: { publicUrl: 'https://login.acme.example' },
      mail: { from: 'Fort Knox <mail@acme.example>' },
    }),
  );
}

const ALICE = { email: 'alice.smith87@wonderland.example', name: 'Alice Núñez-Smith' };

function codesOf(password: string, about: PasswordOwner = ALICE, policy = composition): string[] {
  return policy.violations(password, about, 'password').map(({ code }) => code);
}

describe('guessable patterns', () => {
  it.each([
    ['one character again and again', 'aaaaaaaaaaaa1!'],
    ['in both cases', 'aAaAaAaA1!'],
    ['a short text again and again', 'abcabcabc1!'],
    ['a mixed one', 'x7!x7!x7!x7!'],
    ['in part the last time', 'x7!kx7!kx7'],
    ['a word twice', 'zebras-zebras-1'],
    ['a row of keys', 'qwertyuiop1!'],
    ['a German one', 'Qwertz2026!'],
    ['a French one', 'azerty1990!'],
    ['a Russian one', 'йцукенг1!'],
    ['one backwards', '!poiuytrewq1'],
    ['columns of keys', '1qaz2wsx3edc!'],
    ['columns, with Shift', '!QAZ2wsx#EDC'],
    ['a column up and down', 'zaq1ZAQ!zaq1'],
    ['pieces of rows', 'rtyFGHvbn1!'],
    ['rows with marks between', 'qwert-asdfg-1'],
    ['a zigzag', 'w3e4r5t6y7!'],
    ['the keypad', 'a147258369!'],
    ['the alphabet', 'abcdefgh1!'],
    ['the alphabet backwards', 'zyxwvuts-98'],
    ['the alphabet and numbers', 'abcd-1234'],
    ['another alphabet', 'абвгдежз1!'],
    ['numbers', '12345678a!'],
    ['numbers backwards', 'a-87654321'],
    ['numbers doubled', 'Aa112233!!'],
    ['a date', 'a-01.02.1990'],
    ['a date, year first', '1990-02-01!x'],
    ['two years', 'Z1990-2026'],
    ['numbers and a year', 'Z12345678-2026'],
    ['marks in a row', 'a1!@#$%^&*'],
    ['one emoji', 'a1🔑🔑🔑🔑🔑🔑'],
    ['full-width characters', 'ｋｌｍｎｏｐｑ１！'],
  ])('refuses %s', (_what, password) => {
    expect(codesOf(password)).toEqual(['guessable_pattern']);
  });

  it('counts the repetition of a password as the password', () => {
    expect(codesOf('Password1!Password1!')).toEqual(['common_word']);
    expect(codesOf('Summer2026!Summer2026!')).toEqual(['common_word']);
    expect(codesOf('Alice1990!Alice1990!')).toEqual(['context_words']);
    expect(codesOf('wet otter 7 wet otter 7 ')).toEqual([]);
    // Not fifteen characters without it.
    expect(codesOf('wet otter 7 wet otter 7 ', ALICE, nist)).toEqual(['guessable_pattern']);
  });

  it.each([
    'qwerty in the morning 7',
    'my 1234 cats!',
    'no abcd 7 efgh!',
    'aaaaaa-rgh-7-ooops',
    'born on 01.02.1990',
    'fgbopl-37',
  ])('allows what merely contains one: %s', (password) => expect(codesOf(password)).toEqual([]));
});

describe('common words', () => {
  it.each([
    'Summer2026!',
    'summer_2026',
    '2026Summer!',
    '!!Summer26!!',
    'Password2025!',
    'PASSWORD-1',
    'p@ssw0rd1!',
    'P4$$w0rd!1',
    'Pa$$word12345678!!!',
    'password01.02.1990!',
    'w3lc0me-2026',
    'Passwort!1',
    'Azerbaijan1!',
    'm.o.n.k.e.y.1',
    'let me in 1!',
    'trustno1!',
    'sunshinesunshine1!',
    'January.1990',
    'abdomen-07',
    'drag0n#123456',
    'abdomen-739152',
    'Láptop-123',
  ])('refuses %s', (password) => expect(codesOf(password)).toEqual(['common_word']));

  it('leaves the entries of the list themselves to their own code', () => {
    expect(codesOf('p@ssw0rd')).toEqual(['too_common']);
  });

  it.each([
    'Summer in 2026!',
    'hot summer 7',
    'dragon4815162342!',
    'abdomen-7391526',
    'monkey!#?;1',
    'password x 9 lemons',
    'sunshine-moonlight-7',
  ])('allows what is more than one with decoration: %s', (password) => expect(codesOf(password)).toEqual([]));
});

describe('words of the owner and the service', () => {
  it.each([
    'Alice2026!',
    'alice@1990',
    'ALICE-010290',
    '4l1ce1990!',
    'Alice.Smith-1',
    'smithalice!7',
    'asmith1990!',
    'A.Nunez-123',
    'nu\u0301n\u0303ez#2026',
    'alice.smith87@wonderland.example!',
    'wonderland1!',
    'Alice 7 Wonderland',
    'AliceAlice1!',
    'alice1smith2!',
    'gatehouse1!',
    'G@tehouse2026',
    'Acme-Login-1',
    'Fort-Knox-1',
    'alice@acme-7',
  ])('refuses %s', (password) => expect(codesOf(password)).toEqual(['context_words']));

  it.each([
    'alice went home 2026',
    'my name is Alice 7',
    'a smith and his 3 anvils',
    'gatehouse keeper 7!',
    'wonderland has 5 rabbits',
    'fort knox has 4,580 tons of gold',
  ])('allows what merely contains them: %s', (password) => expect(codesOf(password)).toEqual([]));

  it('knows them of everybody for themselves', () => {
    expect(codesOf('Tweedledum-1', ALICE)).toEqual([]);
    expect(codesOf('Tweedledum-1', { email: 'tweedledum@example.org', name: null })).toEqual([
      'context_words',
    ]);
    expect(codesOf('Tweedledum-1', { email: 'a@tweedledum.co.uk' })).toEqual(['context_words']);
    expect(codesOf('Tweedledum-1', { name: 'Tweedledum' })).toEqual(['context_words']);
  });

  it('does not take a name for an expression', () => {
    const about = { email: '.*+?^$|{}@example.org', name: '(a+)+$ [^x] \\ .*' };
    expect(codesOf('wet otter 7!', about)).toEqual([]);
  });
});

describe('what is reported', () => {
  it('is one form, with a message that names none of it', () => {
    const [error, ...more] = composition.violations('Alice2026!', ALICE, 'newPassword');
    expect(error).toEqual({
      field: 'newPassword',
      code: 'context_words',
      message:
        'must be more than your name, your email address or the name of this service with digits or punctuation',
    });
    expect(more).toEqual([]);
  });

  it('stands beside other broken rules, but not beside what says as much', () => {
    expect(codesOf('Summer2026')).toEqual(['missing_special', 'common_word']);
    expect(codesOf('12345678!')).toEqual(['missing_letter', 'guessable_pattern']);
    expect(codesOf('abc1!')).toEqual(['too_short']);
    expect(codesOf('Alice.Smith87@Wonderland.example')).toEqual(['same_as_email']);
  });
});

describe('common passwords that keep the other rules', () => {
  const { dictionary } = jest.requireActual<typeof import('@zxcvbn-ts/language-common')>(
    '@zxcvbn-ts/language-common',
  );
  const words = dictionary['passwords-common'].filter((word) => /[a-z]/.test(word));
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
  const keepsComposition = (password: string) =>
    password.length >= 8 && /[a-z]/i.test(password) && /\d/.test(password) && /[^a-z\d]/i.test(password);

  it.each([
    ['Word1!', (word: string) => `${capital(word)}1!`],
    ['word2026!', (word: string) => `${word}2026!`],
    ['Word-01', (word: string) => `${capital(word)}-01`],
    ['#Word123', (word: string) => `#${capital(word)}123`],
  ])('are refused, thousands of the form %s', (_form, decorate) => {
    const decorated = words.slice(0, 20_000).map(decorate).filter(keepsComposition);
    expect(decorated.length).toBeGreaterThan(10_000);
    expect(decorated.filter((password) => codesOf(password).length === 0)).toEqual([]);
  });

  it.each([
    ['word2026!!!', (word: string) => `${word}2026!!!`],
    ['Word123456789!', (word: string) => `${capital(word)}123456789!`],
    ['word.01.02.1990', (word: string) => `${word}.01.02.1990`],
    ['wordword1!', (word: string) => `${word}${word}1!`],
  ])('are refused, thousands of 15 characters of the form %s', (_form, decorate) => {
    const decorated = words.map(decorate).filter((password) => password.length >= 15);
    expect(decorated.length).toBeGreaterThan(10_000);
    expect(
      decorated.slice(0, 12_000).filter((password) => codesOf(password, ALICE, nist).length === 0),
    ).toEqual([]);
  });
});

describe('good passwords', () => {
  const GOOD = [
    'correct horse 7 battery!',
    'another horse 8 battery!',
    'horse battery 0 staple!',
    'three wet otters, 2 dry',
    'I left my 3 keys at work',
    'Tr0ub4dor & the 9 dwarfs',
    'Call me Ishmael in 1851.',
    'To be, or not 2 be: that',
    'milk, eggs, bread & 12 figs',
    'The rain in Spain since 1956',
    'Alice and 41 thieves!',
    'gatehouse of the 7th duke',
    'my password is 9 lemons',
    'qwerty was a bad idea 2',
    '2 roads diverged in a wood',
    'zu Fuß über 7 Brücken!',
    'ça marche à 100 % ici',
    'пароль ٣ надёжный',
    '密碼很安全 ７ 個字',
    'चाय 3 कप, बिना चीनी',
    'kudqid-3wuhmE-tygciz',
    'Hufzug-bykfy3-xodpyw',
    'x7$kP2mQ',
    'T4&vb!Lq',
    'nZ8;wq-Yd2',
    '9d!Kq2#vLm5x',
    'v^7Rt-Qp2=zN',
    'blue-giraffe-42-velvet',
    'mist.42.copper.violin',
    'Wednesday7-penguin',
    'summer rain on 3 roofs',
    'F1sh & ch1ps on Fr1days',
    'six6 of seven7 are odd!',
    '🐎🔋📎 and 1 more',
    'a1🔑🐎🔋🧲🪿🫀',
    'PIN 4071, door 3359',
  ];

  it.each(GOOD)('allows %s', (password) => expect(codesOf(password)).toEqual([]));

  it.each(GOOD.filter((password) => [...password].length >= 15))(
    'allows, at 15 characters, %s',
    (password) => {
      expect(codesOf(password, ALICE, nist)).toEqual([]);
    },
  );

  /** The same numbers each time: of a million, some would rightly look like a word and a year. */
  const random = seeded(20261121);
  const pick = <T>(from: ArrayLike<T>) => from[Math.floor(random() * from.length)]!;
  const some = (length: number, alphabet: string) => Array.from({ length }, () => pick(alphabet)).join('');
  const SMALL = 'abcdefghijklmnopqrstuvwxyz';
  const ALL = `${SMALL}${SMALL.toUpperCase()}0123456789!#$%&*+-./:;=?@^_~`;

  it.each([
    ['12 characters', () => some(12, ALL)],
    ['16 characters', () => some(16, ALL)],
    ['20 small letters', () => some(20, SMALL)],
    ['32 hexadecimal digits', () => some(32, '0123456789abcdef')],
    ['three groups of six', () => [6, 6, 6].map((length) => some(length, `${SMALL}0123456789`)).join('-')],
    [
      'four words',
      () => {
        const { dictionary } = jest.requireActual<typeof import('@zxcvbn-ts/language-common')>(
          '@zxcvbn-ts/language-common',
        );
        return Array.from({ length: 4 }, () => pick(dictionary['diceware-common'])).join(' ');
      },
    ],
  ])('allows 1,000 that a generator makes of %s', (_what, generate) => {
    const GUESSES = new Set(['too_common', 'common_word', 'guessable_pattern', 'context_words']);
    const refused = Array.from({ length: 1_000 }, generate).filter((password) =>
      codesOf(password).some((code) => GUESSES.has(code)),
    );
    expect(refused).toEqual([]);
  });
});

describe('docs/passwords.md', () => {
  /** `code` of a row; a row without one goes on with the code above. */
  const rows = [...readFileSync(join(__dirname, '../../docs/passwords.md'), 'utf8').matchAll(ROW)];
  const examples = rows.flatMap(([, code, , refused, allowed], index) => {
    const name = code ?? rows.slice(0, index).findLast((row) => row[1])![1]!;
    return [...exampleOf(refused!, [name]), ...exampleOf(allowed!, [])];
  });

  it('has examples of each form', () => {
    expect(new Set(examples.map(([, [code]]) => code))).toEqual(
      new Set(['common_word', 'context_words', 'guessable_pattern', undefined]),
    );
  });

  it.each(examples)('is right about %s', (password, codes) => expect(codesOf(password)).toEqual(codes));
});

describe('time', () => {
  const longest = (piece: string) => piece.repeat(128).slice(0, 128);
  const odd = Array.from({ length: 128 }, (_, index) => '13579!@#'[(index * index * 7) % 8]).join('');
  const about = {
    email: `${'a.'.repeat(31)}aa@${'b.'.repeat(60)}example.org`,
    name: Array.from({ length: 33 }, (_, index) => `a${'ab'[index % 2]}`).join(' '),
  };

  it.each([
    ['one digit', longest('1')],
    ['digits and marks', longest('1!')],
    ['digits and marks about a letter', `${longest('1!').slice(0, 63)}a${longest('7?').slice(0, 64)}`],
    ['digits and marks without a pattern', `${odd.slice(0, 60)}a${odd.slice(60, 127)}`],
    ['decoration wherever it is cut', '12345678901a09876543219'],
    ['the same, longer', `${longest('1').slice(0, 60)}a${longest('-').slice(0, 60)}`],
    ['two letters at the ends', `a${odd.slice(0, 126)}b`],
    ['words of the owner', longest('aab')],
    ['leet', longest('4a@')],
    ['nearly a repetition', `${longest('ab').slice(0, 127)}c`],
    ['nearly a walk', `${longest('qwertyuiop').slice(0, 126)}5!`],
    ['compatible forms of 18 characters', '\ufdfa'.repeat(128)],
    ['768 units', '\u{16126}'.normalize('NFD').repeat(128)],
    ['768 units of accents', `${'a\u0300\u0316\u0301\u0302\u0303'.repeat(127)}!1`],
    ['768 lone surrogates', '\ud800'.repeat(768)],
    ['768 blanks', ' '.repeat(768)],
  ])('is a few milliseconds for %s', (_what, password) => {
    codesOf(password, about);
    // Of the processor, since other tests run beside; much more than it takes, for the compiler's time counts too.
    const before = process.cpuUsage();
    for (let time = 0; time < 50; time++) codesOf(password, about);
    const { user } = process.cpuUsage(before);
    expect(user / 50 / 1_000).toBeLessThan(20);
  });
});

function exampleOf(cell: string, codes: string[]): [string, string[]][] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, password]) => [password!, codes]);
}

/** Mulberry32: numbers from 0 to 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
