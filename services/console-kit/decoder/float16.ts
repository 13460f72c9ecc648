/** Single of each half. */
let table: Float32Array | undefined;

function makeTable(): Float32Array {
  const singles = new Float32Array(65_536);
  for (let bits = 0; bits < singles.length; bits += 1) {
    const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) singles[bits] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) singles[bits] = sign * fraction * 2 ** -24;
    else singles[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return singles;
}

/** IEEE 754 halves, little endian, as singles. */
export function singlesOf(halves: Uint8Array): Float32Array {
  table ??= makeTable();
  const singles = new Float32Array(halves.length / 2);
  const view = new DataView(halves.buffer, halves.byteOffset, halves.byteLength);
  for (let at = 0; at < singles.length; at += 1) singles[at] = table[view.getUint16(2 * at, true)] as number;
  return singles;
}
