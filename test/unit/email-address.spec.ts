import { array, assert, constantFrom, oneof, pre, property, string } from 'fast-check';
import { normalizeEmail } from '../../src/common/validation/email-address';

/** Made to be near the border of what a domain is: digits, hyphens, punycode, numbers in hexadecimal. */
const label = oneof(
  string({ unit: constantFrom(...'abxn019-'), minLength: 0, maxLength: 5 }),
  constantFrom('xn--', 'xn--a', 'xn--bcher-kva', '0x1', '0', '255', 'com', 'a--b', 'x'.repeat(64)),
);
const domain = array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));

describe('normalizeEmail', () => {
  it('finds of a plain domain, without asking IDNA, what IDNA finds of it', () => {
    assert(
      property(domain, (plain) => {
        // In capitals it is no plain domain.
        const asked = plain.toUpperCase();
        pre(asked !== plain);
        expect(normalizeEmail(`ada@${plain}`)).toBe(normalizeEmail(`ada@${asked}`));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each(['ada@example.org', 'ada@a.b-c.example', 'ada@xn--bcher-kva.example', 'ada@1.a'])(
    'takes %s',
    (address) => expect(normalizeEmail(address)).toBe(address),
  );

  it.each(['ada@example', 'ada@a.1', 'ada@a.0x1', 'ada@-a.org', 'ada@a..org', 'ada@xn--.org', 'ada@a.org.'])(
    'refuses %s',
    (address) => expect(normalizeEmail(address)).toBeUndefined(),
  );
});
