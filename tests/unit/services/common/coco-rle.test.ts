import { areaOf, decodeRle, diceOfRuns, parseRuns, sharedArea } from '../../../../services/common/coco-rle';
import { encodeRle } from '../../../../services/imaging/mask-codes';

const [WIDTH, HEIGHT] = [7, 5];

function drawn(seed: number, share: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: WIDTH * HEIGHT }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31 < share ? 1 : 0;
  });
}

const runsOf = (mask: Uint8Array): number[] => parseRuns(encodeRle(mask, WIDTH, HEIGHT), mask.length);

test.each([0, 0.1, 0.5, 0.9, 1])('areas and Dice of runs are those of the pixels (share %s)', (share) => {
  for (let seed = 1; seed < 40; seed += 1) {
    const [a, b] = [drawn(seed, share), drawn(seed + 1000, 0.5)];
    const both = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
    const total = [...a, ...b].reduce((sum, value) => sum + value, 0);
    expect(sharedArea(runsOf(a), runsOf(b))).toBe(both);
    expect(diceOfRuns(runsOf(a), runsOf(b))).toBeCloseTo(total === 0 ? 1 : (2 * both) / total, 12);
    expect(areaOf(runsOf(a))).toBe(a.reduce((sum, value) => sum + value, 0));
    expect(decodeRle(encodeRle(a, WIDTH, HEIGHT), WIDTH, HEIGHT)).toEqual(a);
  }
});

test('two empty masks agree', () => {
  const nothing = runsOf(new Uint8Array(WIDTH * HEIGHT));
  expect(diceOfRuns(nothing, nothing)).toBe(1);
});
