// The WebAssembly kernel beside the same formulas in double precision.

import { Arena, checkWidth } from '../../../../../services/console-kit/decoder/arena';

let seed = 1;
/** Between -2 and 2, the same in every run. */
function random(): number {
  seed = (seed * 1_664_525 + 1_013_904_223) >>> 0;
  return 4 * (seed / 2 ** 32 - 0.5);
}

const arena = new Arena(100_000);
const values = (count: number): Float32Array => arena.copy(Float32Array.from({ length: count }, random));
const sumOf = (count: number, term: (at: number) => number): number =>
  Array.from({ length: count }, (_, at) => term(at)).reduce((sum, each) => sum + each, 0);
const at = (matrix: Float32Array, index: number): number => matrix[index] as number;

function expectClose(found: Float32Array, wanted: readonly number[], tolerance: number): void {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((each, index) => expect(Math.abs(at(found, index) - each)).toBeLessThan(tolerance));
}

test.each([1, 3, 4, 5, 7, 8, 10])('a product of %i rows has every row, and nothing after them', (rows) => {
  const [inputs, outputs] = [12, 11];
  const [from, weights, bias] = [values(rows * inputs), values(inputs * outputs), values(outputs)];
  const linear = arena.linear(inputs, outputs, (input, output) => at(weights, input * outputs + output), bias);
  const into = arena.take(rows * linear.outputs + 4).fill(7);
  arena.multiply(from, rows, linear, into);
  const wanted = Array.from({ length: rows * linear.outputs }, (_, index) => {
    const [row, column] = [Math.floor(index / linear.outputs), index % linear.outputs];
    if (column >= outputs) return 0;
    const product = sumOf(inputs, (input) => at(from, row * inputs + input) * at(weights, input * outputs + column));
    return at(bias, column) + product;
  });
  expectClose(into, [...wanted, 7, 7, 7, 7], 1e-5);
});

test.each([
  [7, 256, 8, 2],
  [5, 7, 16, 1],
  [1, 1, 32, 4],
])('attention of %i rows to %i is the softmax of each head', (queries, keys, width, heads) => {
  const [q, k, v] = [values(queries * width), values(keys * width), values(keys * width)];
  const [into, weights] = [arena.take(queries * width), arena.take(keys + 4)];
  arena.attend({ q, k, v }, { queries, keys, width, heads }, weights, into);
  const depth = width / heads;
  const wanted = Array.from({ length: queries * width }, (_, index) => {
    const [query, column] = [Math.floor(index / width), index % width];
    const head = depth * Math.floor(column / depth);
    const shares = Array.from({ length: keys }, (__, key) => {
      const dot = sumOf(depth, (d) => at(q, query * width + head + d) * at(k, key * width + head + d));
      return Math.exp(dot / Math.sqrt(depth));
    });
    const total = sumOf(keys, (key) => shares[key] as number);
    return sumOf(keys, (key) => ((shares[key] as number) * at(v, key * width + column)) / total);
  });
  expectClose(into, wanted, 1e-5);
});

test('attention looks at one key alone where the others are far below', () => {
  const q = arena.copy(Float32Array.of(100, 0, 0, 0));
  const k = arena.copy(Float32Array.of(-100, 0, 0, 0, 100, 0, 0, 0));
  const v = arena.copy(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const into = arena.take(4);
  arena.attend({ q, k, v }, { queries: 1, keys: 2, width: 4, heads: 1 }, arena.take(8), into);
  expect([...into]).toEqual([5, 6, 7, 8]);
});

test('rows are normalised, scaled and shifted', () => {
  const [rows, width] = [3, 20];
  const [scale, shift, from] = [values(width), values(width), values(rows * width)];
  const before = from.slice();
  arena.normalise(from, rows, { scale, shift }, 1e-5);
  const wanted = Array.from(before, (value, index) => {
    const [start, column] = [width * Math.floor(index / width), index % width];
    const mean = sumOf(width, (each) => at(before, start + each)) / width;
    const variance = sumOf(width, (each) => (at(before, start + each) - mean) ** 2) / width;
    return ((value - mean) / Math.sqrt(variance + 1e-5)) * at(scale, column) + at(shift, column);
  });
  expectClose(from, wanted, 1e-5);
});

test('gelu is x times the normal distribution up to x, from far below to far above', () => {
  // From tables of the normal distribution.
  const known: readonly (readonly [number, number])[] = [
    [-40, 0],
    [-3, -3 * 0.001349898],
    [-1, -0.158655254],
    [-0.5, -0.5 * 0.308537539],
    [0, 0],
    [0.5, 0.5 * 0.691462461],
    [2, 2 * 0.977249868],
    [40, 40],
  ];
  const made = arena.copy(Float32Array.from(known, ([x]) => x));
  arena.gelu(made, known.length);
  known.forEach(([, wanted], index) => expect(at(made, index)).toBeCloseTo(wanted, 6));
});

test('widths that the vectors do not divide are refused', () => {
  expect(() => checkWidth(6, 'a head')).toThrow('a head is 6 values wide, which is no multiple of 4');
  expect(() => checkWidth(8, 'a head')).not.toThrow();
});
