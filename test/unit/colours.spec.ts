import { assert, integer, property } from 'fast-check';
import { accentsOf, contrast } from '../../src/pages/colours';

const LIGHT = ['#f5f6f8', '#ffffff'];
const DARK = ['#121419', '#1c1f26'];
const colour = integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);

describe('the accent of the pages', () => {
  it('knows contrast as WCAG does', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
  });

  it('leaves a colour alone that can be read', () => {
    expect(accentsOf('#2f56d9').light).toEqual({ fill: '#2f56d9', onFill: '#ffffff', ink: '#2f56d9' });
  });

  it('can be read, whatever the colour', () => {
    assert(
      property(colour, (accent) => {
        const { light, dark } = accentsOf(accent);
        for (const [{ fill, onFill, ink }, grounds] of [[light, LIGHT] as const, [dark, DARK] as const]) {
          expect(contrast(onFill, fill)).toBeGreaterThanOrEqual(4.5);
          for (const ground of grounds) {
            expect(contrast(ink, ground)).toBeGreaterThanOrEqual(4.5);
            expect(contrast(fill, ground)).toBeGreaterThanOrEqual(3);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
