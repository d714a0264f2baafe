import { setTimeout as sleep } from 'node:timers/promises';
import { Windows } from '../../src/rate-limit/windows';

describe('windows of requests', () => {
  const windows = new Windows();

  it('count from their first request on, each for itself', () => {
    expect([windows.add('a', 60).hits, windows.add('a', 60).hits, windows.add('b', 60).hits]).toEqual([
      1, 2, 1,
    ]);
    expect(windows.find('a')!.msLeft).toBeGreaterThan(59_000);
    expect(windows.find('nobody')).toBeUndefined();
  });

  it('begin anew when they have ended', async () => {
    windows.add('short', 0.01);
    await sleep(20);
    expect(windows.find('short')).toBeUndefined();
    expect(windows.add('short', 60).hits).toBe(1);
  });

  it('follow a better count', () => {
    windows.set('a', { hits: 40, msLeft: 30_000 });
    expect(windows.add('a', 60)).toEqual({ hits: 41, msLeft: expect.closeTo(30_000, -3) });
  });

  it('are swept when they have ended, and not before: strangers cannot fill the memory', async () => {
    for (let n = 0; n < 5_000; n++) windows.add(`ended ${n}`, 0.01);
    await sleep(20);
    for (let n = 0; n < 6_000; n++) windows.add(`running ${n}`, 60);
    const { size } = (windows as unknown as { windows: Map<string, unknown> }).windows;
    expect(size).toBeLessThan(6_100);
    expect([windows.find('a')!.hits, windows.find('running 0')!.hits]).toEqual([41, 1]);
  });
});
