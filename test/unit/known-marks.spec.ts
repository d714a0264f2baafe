import { SetMetadata } from '@nestjs/common';
import { KnownMarks } from '../../src/rate-limit/known-marks';

@SetMetadata('mark', 'of the base')
class Base {
  inherited(): void {}

  @SetMetadata('mark', 'of the route')
  own(): void {}

  @SetMetadata('mark', false)
  off(): void {}
}

@SetMetadata('mark', 'of the other')
class Other extends Base {}

describe('known marks', () => {
  const marks = new KnownMarks();
  const { inherited, own, off } = Base.prototype;
  const markOf = (handler: () => void, controller: typeof Base, key = 'mark') =>
    marks.getAllAndOverride<unknown>(key, [handler, controller]);

  it('are those of the route, or else of its controller, each time they are asked for', () => {
    for (let round = 0; round < 2; round++) {
      expect(markOf(own, Base)).toBe('of the route');
      expect(markOf(off, Base)).toBe(false);
      expect(markOf(inherited, Base)).toBe('of the base');
      expect(markOf(inherited, Other)).toBe('of the other');
      expect(markOf(inherited, Base, 'none')).toBeUndefined();
    }
  });

  it('are looked up once', () => {
    const looked = jest.spyOn(Reflect, 'getMetadata');
    const fresh = new KnownMarks();
    for (let round = 0; round < 3; round++) fresh.getAllAndOverride('mark', [own, Base]);
    expect(looked.mock.calls.length).toBeLessThanOrEqual(2);
    looked.mockRestore();
  });
});
