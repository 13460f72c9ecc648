import { keep, type Embedding } from '../../../../services/next-labels/kept-image';
import { headOf, scoreOf, uncertaintyOf } from '../../../../services/next-labels/order';

/** Two channels on a grid of 4 x 4; the upper half of the input is the image. */
function embedding(mark: (cell: number) => number): Embedding {
  const features = new Float32Array(2 * 16);
  for (let cell = 0; cell < 16; cell += 1) features.set([mark(cell)], cell);
  const placement = { size: 64, left: 0, top: 0, innerWidth: 64, innerHeight: 32 };
  return { features, channels: 2, side: 4, placement };
}

const left = (cell: number): number => (cell % 4 < 2 ? 1 : 0);

/** Foreground in the left half of an image of 8 x 4. */
const mask = Uint8Array.from({ length: 32 }, (_, at) => (at % 8 < 4 ? 1 : 0));

test('a mask becomes a share of foreground for each cell that the image covers', () => {
  const kept = keep({ name: 'a' }, embedding(left), true, { kind: 'mask', mask, width: 8, height: 4 });
  expect(kept.count).toBe(8);
  const shares = Array.from({ length: 8 }, (_, cell) => kept.targets?.[2 * cell + 1]);
  expect(shares).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
  // Of each cell its own features, then the mean around it.
  expect(kept.rows.length).toBe(8 * 4);
  expect(kept.rows[0]).toBe(1);
});

test('a head learns masks from cells, and is unsure of what lies between', () => {
  const kept = keep({ name: 'a' }, embedding(left), true, { kind: 'mask', mask, width: 8, height: 4 });
  const head = headOf([kept]);
  expect(scoreOf(head, [kept], true)).toBeGreaterThan(0.95);
  const blurred = keep(
    { name: 'b' },
    embedding(() => 0.5),
    true,
  );
  expect(uncertaintyOf(head, blurred, true)).toBeGreaterThan(uncertaintyOf(head, kept, true));
});

test('a class is kept as one of all, with means, deviation and quarters of each channel', () => {
  const kept = keep({ name: 'a' }, embedding(left), false, { kind: 'class', index: 1, classes: 3 });
  expect([...(kept.targets ?? [])]).toEqual([0, 1, 0]);
  // The left quarters are 1, the right ones 0.
  expect([...kept.descriptor.slice(0, 6)]).toEqual([0.5, 0.5, 1, 0, 1, 0]);
});
