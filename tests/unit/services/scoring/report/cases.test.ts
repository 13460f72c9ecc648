import sharp from 'sharp';
import type { ScoredSample } from '../../../../../services/scoring/results/assessment';
import { chooseCases, drawCases, outlinePath } from '../../../../../services/scoring/report/cases';

const withDice = (dice: number): ScoredSample => ({
  name: `${dice}`,
  structures: [{ dice, iou: dice }],
  point: null,
  probabilities: null,
  label: null,
});

describe('chooseCases', () => {
  const samples = Array.from({ length: 30 }, (_, index) => withDice(1 - index / 100));

  it('takes the worst, the middle and the best without repeats', () => {
    const chosen = chooseCases(samples);
    const of = (rank: string): number[] => chosen.filter((each) => each.rank === rank).map(({ index }) => index);
    expect([of('worst'), of('middle'), of('best')]).toEqual([
      [29, 28, 27, 26],
      [16, 15, 14, 13],
      [3, 2, 1, 0],
    ]);
  });

  it('shows as many of the worst as are wanted, and of few samples each once', () => {
    expect(chooseCases(samples, { worst: 20 }).filter(({ rank }) => rank === 'worst')).toHaveLength(20);
    const few = chooseCases(samples.slice(0, 5));
    expect(few.map(({ index }) => index)).toEqual([4, 3, 2, 1, 0]);
    expect(chooseCases([])).toEqual([]);
  });
});

describe('outlinePath', () => {
  const rows = (...lines: string[]): Uint8Array => Uint8Array.from(lines.join(''), (sign) => (sign === '#' ? 1 : 0));

  it('runs once around each shape and each hole', () => {
    expect(outlinePath(rows('....', '.##.', '....'), 4, 3)).toBe('M1 1h2v1h-2v-1');
    expect(outlinePath(rows('###', '#.#', '###'), 3, 3)).toBe('M0 0h3v3h-3v-3M1 1v1h1v-1h-1');
    expect(outlinePath(new Uint8Array(4), 2, 2)).toBe('');
  });

  it('comes back to where it began where shapes touch at a corner', () => {
    const path = outlinePath(rows('#.', '.#'), 2, 2);
    const sum = (letter: string): number =>
      [...path.matchAll(new RegExp(`${letter}(-?\\d+)`, 'g'))].reduce((total, [, step]) => total + Number(step), 0);
    expect([sum('h'), sum('v')]).toEqual([0, 0]);
    expect(path.match(/[hv]/g)).toHaveLength(8);
  });
});

describe('drawCases', () => {
  it('draws the true outline in blue and the predicted one in orange on the picture', async () => {
    const pixels = { data: new Uint8Array(64 * 64), width: 64, height: 64, channels: 1, sampleType: 'uint8' } as const;
    const left = Uint8Array.from({ length: 4096 }, (_, at) => (at % 64 < 20 ? 1 : 0));
    const right = Uint8Array.from({ length: 4096 }, (_, at) => (at % 64 > 44 ? 1 : 0));
    const read = async () => ({ pixels, truth: left, predicted: right });
    const [drawn] = await drawCases([withDice(0)], read, { classes: [], structures: ['lesion'] });
    const { data, info } = await sharp(Buffer.from(drawn?.svg ?? ''))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    let [blue, orange] = [0, 0];
    for (let pixel = 0; pixel < info.width * info.height; pixel += 1) {
      const [red = 0, , third = 0] = data.subarray(pixel * 3, pixel * 3 + 3);
      if (third > 180 && red < 120) blue += pixel % info.width < info.width / 2 ? 1 : -1000;
      if (red > 180 && third < 60) orange += pixel % info.width > info.width / 2 ? 1 : -1000;
    }
    expect(blue).toBeGreaterThan(100);
    expect(orange).toBeGreaterThan(blue);
  });
});
