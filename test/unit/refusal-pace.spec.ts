import { setTimeout as sleep } from 'node:timers/promises';
import { RefusalPace } from '../../src/common/load/refusal-pace';

describe('refusals', () => {
  /** Milliseconds that each of so many, asked for in one moment, was held back. */
  async function held(pace: RefusalPace, count: number): Promise<number[]> {
    const start = performance.now();
    const each = Array.from({ length: count }, () => pace.next().then(() => performance.now() - start));
    return Promise.all(each);
  }

  /** A moment at which a new period has just begun. */
  const atStartOfPeriod = async () => {
    while (performance.now() % 100 > 10) await sleep(1);
  };

  it('are sent at once where there are few', async () => {
    const pace = new RefusalPace();
    await atStartOfPeriod();
    expect(Math.max(...(await held(pace, 50)))).toBeLessThan(20);
  });

  it('are spread over the next moment where there are many', async () => {
    const pace = new RefusalPace();
    await atStartOfPeriod();
    const times = (await held(pace, 200)).slice(50);
    expect(Math.min(...times)).toBeLessThan(15);
    expect(Math.max(...times)).toBeGreaterThan(25);
  });

  it('are held back, each of them, where there are too many, and no longer when that is over', async () => {
    const pace = new RefusalPace();
    await atStartOfPeriod();
    const times = (await held(pace, 300)).slice(200);
    expect(Math.min(...times)).toBeGreaterThan(18);
    await sleep(250);
    expect(Math.max(...(await held(pace, 1)))).toBeLessThan(20);
  });
});
