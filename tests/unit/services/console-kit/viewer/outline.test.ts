import { outlineSegments } from '../../../../../services/console-kit/viewer/outline';

/** In any order. */
function segmentsOf(rows: readonly string[]): string[] {
  const mask = Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0));
  const segments = outlineSegments(mask, rows[0]?.length ?? 0, rows.length);
  return Array.from({ length: segments.length / 4 }, (_, at) => segments.slice(4 * at, 4 * at + 4).join(' ')).sort();
}

test('neighbours on one line are one segment, also along the edge of the image', () => {
  expect(segmentsOf(['##', '##'])).toEqual(['0 0 0 2', '0 0 2 0', '0 2 2 2', '2 0 2 2']);
  expect(segmentsOf(['....', '.##.', '....'])).toEqual(['1 1 1 2', '1 1 3 1', '1 2 3 2', '3 1 3 2']);
});

test('a hole has a border, and an empty mask none', () => {
  expect(segmentsOf(['###', '#.#', '###'])).toEqual([
    '0 0 0 3',
    '0 0 3 0',
    '0 3 3 3',
    '1 1 1 2',
    '1 1 2 1',
    '1 2 2 2',
    '2 1 2 2',
    '3 0 3 3',
  ]);
  expect(segmentsOf(['..', '..'])).toEqual([]);
});

test('pixels that touch at a corner alone', () => {
  expect(segmentsOf(['#.', '.#'])).toEqual(['0 0 0 1', '0 0 1 0', '0 1 2 1', '1 0 1 2', '1 2 2 2', '2 1 2 2']);
});
