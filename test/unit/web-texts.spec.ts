import { AUDIT_ACTIONS } from '../../src/audit/actions';
import { catalogue, entryOf, type ErrorKey } from '../../src/common/errors/catalogue';
import { activityText } from '../../web/src/account/activity-texts';
import { clockText, fieldText, TEXTS, waitText } from '../../web/src/forms/texts';
import { whenText } from '../../web/src/parts/when-text';

describe('texts of the pages', () => {
  it('there is one for every code of the catalogue, and one for no answer', () => {
    const codes = new Set((Object.keys(catalogue) as ErrorKey[]).map((key) => entryOf(key).code));
    expect(Object.keys(TEXTS).sort()).toEqual([...codes, 'unreachable'].sort());
    for (const text of Object.values(TEXTS)) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it.each(AUDIT_ACTIONS)('%s reads as words', (action) => {
    expect(activityText(action)).toMatch(/^[A-Z“][^._]+$/);
  });

  it('an event that is newer than the page reads as words too', () => {
    expect(activityText('passkey.added_again')).toBe('Passkey added again');
  });

  it.each([
    [
      { code: 'too_short', message: 'must have at least 8 characters' },
      'New password must have at least 8 characters.',
    ],
    [{ code: 'invalid_email', message: 'x' }, 'Enter an email address such as name@example.org.'],
  ])('what is wrong with a field is a sentence: %j', (error, text) => {
    expect(fieldText('New password', error)).toBe(text);
  });

  it.each([
    [0.2, '1 second', '0:01'],
    [59.1, '1 minute', '1:00'],
    [30, '30 seconds', '0:30'],
    [61, '2 minutes', '1:01'],
    [3600, '60 minutes', '1:00:00'],
    [7200, '2 hours', '2:00:00'],
  ])('a wait of %d s is %s, on a clock %s', (seconds, text, clock) => {
    expect([waitText(seconds), clockText(seconds)]).toEqual([text, clock]);
  });

  it('a clock that has run out stands still', () => {
    expect(clockText(-3)).toBe('0:00');
  });

  it.each([
    [20_000, 'just now'],
    [5 * 60_000, '5 minutes ago'],
    [3 * 3_600_000, '3 hours ago'],
    [26 * 3_600_000, 'yesterday'],
    [9 * 86_400_000, '12 November 2026'],
  ])('%d ms ago is %s', (ago, text) => {
    const now = new Date('2026-11-21T12:00:00Z');
    expect(whenText(new Date(now.getTime() - ago), now)).toBe(text);
  });
});
