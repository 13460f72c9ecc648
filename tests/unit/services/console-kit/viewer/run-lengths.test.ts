import { decodeMask } from '../../../../../services/console-kit/viewer/run-lengths';
import { encodeRle } from '../../../../../services/imaging/mask';

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

test.each([
  [1, 1, 0.5],
  [7, 5, 0.5],
  [300, 200, 0.02],
  [64, 64, 0],
  [64, 64, 1],
])('reads what the server writes: %d x %d, a share of %d', (width, height, share) => {
  const draw = random(width * height + 1);
  const mask = Uint8Array.from({ length: width * height }, () => (draw() < share ? 1 : 0));
  expect(decodeMask(encodeRle(mask, width, height), width, height)).toEqual(mask);
});

test('reads long runs, whose counts take several characters', () => {
  const [width, height] = [900, 700];
  const mask = Uint8Array.from({ length: width * height }, (_, at) => (at % width > 400 && at < 400_000 ? 1 : 0));
  expect(decodeMask(encodeRle(mask, width, height), width, height)).toEqual(mask);
});
