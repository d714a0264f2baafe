import { randomOctets } from '../../src/common/crypto/tokens';

describe('random octets', () => {
  it('are never given out twice, over many refills and in whatever sizes', () => {
    const given: Buffer[] = [];
    for (let round = 0; round < 2_000; round++) given.push(randomOctets(16), randomOctets(32));
    expect(given.map(({ length }) => length).slice(0, 4)).toEqual([16, 32, 16, 32]);
    // Eight of them say as much: what was given out, and what was given out as part of something longer.
    const parts = given.flatMap((octets) =>
      Array.from({ length: octets.length / 8 }, (_, at) => octets.toString('hex', 8 * at, 8 * at + 8)),
    );
    expect(new Set(parts).size).toBe(parts.length);
  });

  it('stay what they were, and leave nothing behind for the next ones', () => {
    const octets = randomOctets(32);
    const before = octets.toString('hex');
    for (let round = 0; round < 1_000; round++) {
      const others = randomOctets(32);
      // Neither what somebody else has written over theirs, nor the zeros where they lay.
      for (const left of [7, 0]) expect(others.includes(Buffer.alloc(8, left))).toBe(false);
      others.fill(7);
    }
    expect(octets.toString('hex')).toBe(before);
  });

  it('are as random as those of the system: each bit is set in half of them', () => {
    const many = Buffer.concat(Array.from({ length: 2_000 }, () => randomOctets(32)));
    for (let bit = 0; bit < 8; bit++) {
      const isSet = many.reduce((count, octet) => count + ((octet >> bit) & 1), 0);
      // Five standard deviations of a fair coin.
      expect(Math.abs(isSet - many.length / 2)).toBeLessThan((5 * Math.sqrt(many.length)) / 2);
    }
  });
});
