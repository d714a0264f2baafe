/**
 * Seconds for which the first, second, … wrong password of a series holds the next attempt back: four cost nothing, the
 * fifth a second, then twice as much each time. The last stands for all that follow.
 */
export const DELAYS_S = [0, 0, 0, 0, ...Array.from({ length: 10 }, (_, step) => 2 ** step), 900];

/** The longest delay in seconds. */
export const LONGEST_DELAY_S = DELAYS_S.at(-1)!;

/** A series is over this many seconds after its last failure, or after the end of the block that one caused. */
export const SERIES_ENDS_AFTER_S = 900;

/** Wrong passwords in a row, through all series, after which only a reset helps (NIST SP 800-63B-4 §3.2.2: at most 100). */
export const MOST_CONSECUTIVE = 100;

/** From so many wrong passwords on, a right one is worth a letter. */
export const SUSPICIOUS_FAILURES = DELAYS_S.findIndex((delay) => delay > 0) + 1;
