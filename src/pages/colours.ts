type Rgb = readonly [red: number, green: number, blue: number];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** The surfaces of web/src/style that an accent is hardest to see on. */
const LIGHT_GROUND = '#f5f6f8';
const DARK_CARD = '#1c1f26';

/** WCAG 2.2: of text (1.4.3), and of the parts of a control (1.4.11). */
const TEXT_CONTRAST = 4.5;
const PART_CONTRAST = 3;
const STEP = 0.02;

/** An accent as a page needs it: for surfaces, for the text on them, for text of that colour. All of them readable. */
export interface Accent {
  fill: string;
  onFill: string;
  ink: string;
}

/** The accent of light pages and that of dark ones, as near to the colour as contrast allows. */
export function accentsOf(colour: string): { light: Accent; dark: Accent } {
  return { light: accentOn(LIGHT_GROUND, BLACK, colour), dark: accentOn(DARK_CARD, WHITE, colour) };
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(rgbOf(one)), luminance(rgbOf(other))].sort((a, b) => a - b) as [
    number,
    number,
  ];
  return (lighter + 0.05) / (darker + 0.05);
}

function accentOn(ground: string, away: Rgb, colour: string): Accent {
  const fill = atLeast(PART_CONTRAST, ground, away, colour);
  // One of the two always has 4.58 or more.
  const onFill = contrast('#ffffff', fill) >= contrast('#000000', fill) ? '#ffffff' : '#000000';
  return { fill, onFill, ink: atLeast(TEXT_CONTRAST, ground, away, colour) };
}

function atLeast(wanted: number, ground: string, away: Rgb, colour: string): string {
  let mixed = colour;
  for (let share = STEP; contrast(mixed, ground) < wanted; share += STEP) mixed = mix(colour, away, share);
  return mixed;
}

function mix(colour: string, other: Rgb, share: number): string {
  const parts = rgbOf(colour).map((part, at) => Math.round(part + (other[at]! - part) * share));
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function rgbOf(colour: string): Rgb {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) as unknown as Rgb;
}

function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
