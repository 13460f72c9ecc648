/** Mean and deviation of each column of rows that lie under each other. */
export interface Scale {
  mean: Float64Array;
  deviation: Float64Array;
}

export function scaleOf(parts: readonly Float32Array[], width: number): Scale {
  const [sum, squares] = [new Float64Array(width), new Float64Array(width)];
  let count = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 1) {
      const value = part[at] as number;
      sum[at % width]! += value;
      squares[at % width]! += value * value;
    }
    count += part.length / width;
  }
  const mean = sum.map((value) => value / Math.max(1, count));
  const deviation = squares.map((value, k) => {
    const variance = value / Math.max(1, count) - (mean[k] as number) ** 2;
    return variance > 1e-12 ? Math.sqrt(variance) : 1;
  });
  return { mean, deviation };
}

/** Brings rows to mean 0 and deviation 1, in place. */
export function rescale(rows: Float32Array, { mean, deviation }: Scale): void {
  const width = mean.length;
  for (let at = 0; at < rows.length; at += 1) {
    const k = at % width;
    rows[at] = ((rows[at] as number) - (mean[k] as number)) / (deviation[k] as number);
  }
}
