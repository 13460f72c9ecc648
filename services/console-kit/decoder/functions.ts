// What a mask decoder needs beside products of matrices. All of it is in place, on rows of float32.

/** Normalises each row of `width` values to mean 0 and deviation 1, then scales and shifts it. */
export function layerNorm(
  values: Float32Array,
  rows: number,
  { scale, shift }: { scale: Float32Array; shift: Float32Array },
  epsilon: number,
): void {
  const width = scale.length;
  for (let row = 0; row < rows; row += 1) {
    const start = row * width;
    let [sum, squares] = [0, 0];
    for (let at = start; at < start + width; at += 1) sum += values[at] as number;
    const mean = sum / width;
    for (let at = start; at < start + width; at += 1) squares += ((values[at] as number) - mean) ** 2;
    const factor = 1 / Math.sqrt(squares / width + epsilon);
    for (let column = 0; column < width; column += 1) {
      const at = start + column;
      values[at] = ((values[at] as number) - mean) * factor * (scale[column] as number) + (shift[column] as number);
    }
  }
}

export function relu(values: Float32Array): void {
  for (let at = 0; at < values.length; at += 1) if ((values[at] as number) < 0) values[at] = 0;
}

/** x Phi(x), by the error function (not by its approximation with tanh). */
export function gelu(values: Float32Array, count: number): void {
  for (let at = 0; at < count; at += 1) {
    const x = values[at] as number;
    values[at] = 0.5 * x * (1 + erf(x * Math.SQRT1_2));
  }
}

/** The error function, within 1.5e-7 (Abramowitz and Stegun, 7.1.26). */
export function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-x * x);
  return Math.sign(x) * (1 - tail);
}

/** Adds `from` to `into`, as often as it fits. */
export function addTo(into: Float32Array, from: Float32Array): void {
  for (let at = 0; at < from.length; at += 1) into[at] = (into[at] as number) + (from[at] as number);
}

/** `into = a + b` */
export function sum(a: Float32Array, b: Float32Array, into: Float32Array): Float32Array {
  for (let at = 0; at < a.length; at += 1) into[at] = (a[at] as number) + (b[at] as number);
  return into;
}

/**
 * Attention of several heads: each of `queries` rows is answered with the mean of `keys` rows' values, weighted by the softmax of their dot products.
 * @param into as many rows as queries; all rows have `width` values, of which each head takes its share
 */
export function attend(
  q: Float32Array,
  queries: number,
  k: Float32Array,
  v: Float32Array,
  keys: number,
  { width, heads }: { width: number; heads: number },
  into: Float32Array,
): void {
  const depth = width / heads;
  const scale = 1 / Math.sqrt(depth);
  const weights = new Float64Array(keys);
  for (let query = 0; query < queries; query += 1) {
    for (let head = 0; head < heads; head += 1) {
      const mine = query * width + head * depth;
      let [most, total] = [-Infinity, 0];
      for (let key = 0; key < keys; key += 1) {
        const other = key * width + head * depth;
        let product = 0;
        for (let at = 0; at < depth; at += 1) product += (q[mine + at] as number) * (k[other + at] as number);
        weights[key] = product * scale;
        if (product * scale > most) most = product * scale;
      }
      for (let key = 0; key < keys; key += 1) total += weights[key] = Math.exp((weights[key] as number) - most);
      into.fill(0, mine, mine + depth);
      for (let key = 0; key < keys; key += 1) {
        const [share, other] = [(weights[key] as number) / total, key * width + head * depth];
        for (let at = 0; at < depth; at += 1)
          into[mine + at] = (into[mine + at] as number) + share * (v[other + at] as number);
      }
    }
  }
}
