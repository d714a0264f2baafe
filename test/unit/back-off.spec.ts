import {
  DELAYS_S,
  LONGEST_DELAY_S,
  MOST_CONSECUTIVE,
  SERIES_ENDS_AFTER_S,
} from '../../src/auth/back-off/schedule';

const HOUR_S = 3_600;

/** When each guess of a series can be made, in seconds after the first. */
const times = Array.from(
  { length: MOST_CONSECUTIVE },
  (_, index) =>
    DELAYS_S.slice(0, index).reduce((sum, delay) => sum + delay, 0) +
    Math.max(0, index - DELAYS_S.length) * LONGEST_DELAY_S,
);
const delayAfter = (guesses: number) => DELAYS_S[Math.min(guesses, DELAYS_S.length) - 1]!;

/** The most guesses within a time, however an attacker divides them into series. */
function mostWithin(seconds: number, known = new Map<number, number>()): number {
  if (seconds < 0) return 0;
  const remembered = known.get(seconds);
  if (remembered !== undefined) return remembered;
  let most = 0;
  for (const [index, time] of times.entries()) {
    if (time > seconds) break;
    const afterwards = seconds - time - delayAfter(index + 1) - SERIES_ENDS_AFTER_S;
    most = Math.max(most, index + 1 + mostWithin(afterwards, known));
  }
  known.set(seconds, most);
  return most;
}

/** docs/back-off.md names these figures. */
describe('the budget of guesses at one account', () => {
  it.each([
    ['minute', 60, 10],
    ['quarter of an hour', HOUR_S / 4, 14],
    ['hour', HOUR_S, 48],
  ])('within a %s is so much', (_, seconds, most) => {
    expect(mostWithin(seconds)).toBe(most);
  });

  it('is 100 in all, which take more than two and a quarter hours', () => {
    expect(MOST_CONSECUTIVE).toBe(100);
    expect(mostWithin(2.25 * HOUR_S)).toBe(96);
  });
});
