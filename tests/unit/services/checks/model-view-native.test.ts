// What is left of a lesion is computed here without the addon; the native pipeline, which makes the model's input, must say the
// same, whatever the sizes.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelInput } from '../../../../services/checks/input-axes';
import { viewOf, type ModelView } from '../../../../services/checks/model-view';
import { Random } from '../../../../services/common/random';
import { temporaryFolder } from '../../../support/data';

const PROGRAM = join(__dirname, '..', '..', '..', '..', 'build', 'Release', 'automed_parity');
const root = temporaryFolder();
const random = new Random(29);
const below = (end: number): number => Math.floor(random.next() * end);
const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T;

type Rectangle = [x: number, y: number, width: number, height: number];

interface Drawn {
  input: ModelInput;
  width: number;
  height: number;
  rectangles: Rectangle[];
}

/** Slivers, whole multiples of the side, and sizes just above, below and at it. */
const lengthFor = (side: number): number =>
  oneOf([
    side,
    side + 1,
    side - 1,
    2 * side,
    3 * side,
    8 * side,
    1 + below(3),
    1 + below(side),
    side + below(9 * side),
  ]);

/** A lesion around the size of a pixel of the input, or the specks of one. */
function drawn(fit: ModelInput['fit'], resize: 'bilinear' | 'nearest'): Drawn {
  const side = oneOf([5, 16, 64, 100]);
  const [width, height] = [lengthFor(side), lengthFor(side)];
  const longest = Math.ceil((1.3 * Math.max(width, height)) / side);
  const rectangle = (): Rectangle => {
    const [columns, rows] = [1 + below(Math.min(width, longest)), 1 + below(Math.min(height, longest))];
    return [below(width - columns + 1), below(height - rows + 1), columns, rows];
  };
  const rectangles = Array.from({ length: oneOf([1, 1, 1, 2, 4]) }, rectangle);
  return { input: { side, fit, resize }, width, height, rectangles };
}

function viewed({ input, width, height, rectangles }: Drawn): ModelView {
  const mask = new Uint8Array(width * height);
  for (const [x, y, columns, rows] of rectangles) {
    for (let row = y; row < y + rows; row += 1) mask.fill(1, row * width + x, row * width + x + columns);
  }
  return viewOf(mask, { width, height }, input);
}

const lineOf = ({ input: { fit, resize, side }, width, height, rectangles }: Drawn): string =>
  [JSON.stringify({ fit, resize, channels: 'rgb' }), side, width, height, ...rectangles.flat()].join(' ');

const check = existsSync(PROGRAM) ? test : test.skip;
if (!existsSync(PROGRAM))
  process.stderr.write('skipped: the model view beside the native pipeline (build/ lacks it)\n');

check('what a model sees of lesions is what the native pipeline shows it, at 1,800 sizes', () => {
  const cases = (['stretch', 'pad-or-stretch', 'longest-side'] as const).flatMap((fit) =>
    (['bilinear', 'nearest'] as const).flatMap((resize) => Array.from({ length: 300 }, () => drawn(fit, resize))),
  );
  const [given, out] = [join(root, 'cases.txt'), join(root, 'seen.txt')];
  writeFileSync(given, cases.map(lineOf).join('\n'));
  execFileSync(PROGRAM, ['--placed', given, '--out', out]);
  const seen = readFileSync(out, 'utf8').trim().split('\n');
  expect(seen).toHaveLength(cases.length);
  const told = { shown: 0, vanished: 0, unpicked: 0 };
  for (const [index, one] of cases.entries()) {
    const [share = 0, picked = 0, pixels = 0] = (seen[index] ?? '').split(' ').map(Number);
    // float32 rounds a share that is exactly on the limit.
    const shown = share >= 0.5 - 1e-4 || picked >= 0.25 - 1e-4;
    const { losses, maskLost } = viewed(one);
    const line = `${lineOf(one)}: ${seen[index] ?? ''}`;
    expect([line, losses.vanished, maskLost]).toEqual([line, shown ? 0 : 1, !shown || pixels === 0]);
    told[shown ? 'shown' : 'vanished'] += 1;
    if (shown && pixels === 0) told.unpicked += 1;
  }
  // Each answer is given often enough that a wrong rule would be seen.
  expect(Math.min(told.shown, told.vanished)).toBeGreaterThan(200);
  expect(told.unpicked).toBeGreaterThan(10);
});
