// What a mask decoder needs of single values, on rows of float32.

export function relu(values: Float32Array): void {
  for (let at = 0; at < values.length; at += 1) if ((values[at] as number) < 0) values[at] = 0;
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
