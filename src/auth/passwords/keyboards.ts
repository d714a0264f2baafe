/** The way from one key to a neighbouring one or to itself, the same for the same direction; undefined where it is further. */
type Step = (from: string, to: string) => number | undefined;

/** Of fewer keys than these, straight on or by any turns, a walk is chance: "er" is in every third word. */
const SHORTEST_STRAIGHT = 3;
const SHORTEST_WINDING = 8;
/** The second form of a row is what its keys give with Shift. */
const DIGIT_ROW = ['1234567890-=', '!@#$%^&*()_+'];

/** From the top row to the bottom one; a row is half a key to the right of the one above. A blank is no key. */
const KEYBOARDS = [
  [DIGIT_ROW, ['qwertyuiop[]', '          {}'], ["asdfghjkl;'", '         :"'], ['zxcvbnm,./', '       <>?']],
  [DIGIT_ROW, ['qwertzuiop'], ['asdfghjkl'], ['yxcvbnm,.-', '       ;:_']],
  [['& "\'(- _  )', '1234567890'], ['azertyuiop'], ['qsdfghjklm'], ['wxcvbn,;:!', '      ?./']],
  [DIGIT_ROW, ['йцукенгшщзхъ'], ['фывапролджэ'], ['ячсмитьбю']],
];
const KEYPAD = [['789'], ['456'], ['123']];

const LAYOUTS: Step[] = [
  ...KEYBOARDS.map((rows) => stepsOn(rows, 0.5)),
  stepsOn(KEYPAD, 0),
  alphabeticalStep,
];

/**
 * Whether a text is nothing but walks over one layout, each key the neighbour of the one before or the same: three keys
 * or more straight on ("qwertz", "asdjkl", "1qaz2wsx", "147258", "abcd4321", "aaabbb") or eight or more by any turns
 * ("q1w2e3r4", "aabbccdd"). Linear in the text.
 *
 * @param text in lower case
 */
export function isWalk(text: string): boolean {
  const keys = [...text];
  return LAYOUTS.some((step) => isMadeOfWalks(keys, step));
}

function isMadeOfWalks(keys: string[], step: Step): boolean {
  let walk: number[] = [];
  for (let index = 1; index < keys.length; index++) {
    const way = step(keys[index - 1]!, keys[index]!);
    if (way !== undefined) walk.push(way);
    else if (!isLongEnough(walk)) return false;
    else walk = [];
  }
  return isLongEnough(walk);
}

/** @param steps one fewer than keys */
function isLongEnough(steps: number[]): boolean {
  if (steps.length >= SHORTEST_WINDING - 1) return true;
  let straight = 1;
  for (const [index, way] of steps.entries()) {
    if (straight === 1 || way === steps[index - 1]) straight++;
    else if (straight < SHORTEST_STRAIGHT) return false;
    // The key on which it turns belongs to one line only, so the next one begins behind it.
    else straight = 1;
  }
  return straight >= SHORTEST_STRAIGHT;
}

/** Letters of any script and digits, forwards and backwards. */
function alphabeticalStep(from: string, to: string): number | undefined {
  const distance = to.codePointAt(0)! - from.codePointAt(0)!;
  return Math.abs(distance) <= 1 ? distance : undefined;
}

function stepsOn(rows: string[][], stagger: number): Step {
  const keys = new Map<string, { x: number; y: number }>();
  for (const [y, forms] of rows.entries())
    for (const form of forms)
      for (const [index, key] of [...form].entries())
        if (key !== ' ') keys.set(key, { x: index + y * stagger, y });
  return (from, to) => {
    const [start, end] = [keys.get(from), keys.get(to)];
    if (!start || !end) return undefined;
    const [x, y] = [end.x - start.x, end.y - start.y];
    return Math.abs(x) <= 1 && Math.abs(y) <= 1 ? x * 4 + y : undefined;
  };
}
