export interface SampleLayout {
  width: number;
  height: number;
  /** Bits allocated, 8 or 16. */
  bits: number;
  /** Bits stored, at the lower end. */
  stored: number;
  /** Samples per pixel. */
  samples: number;
  signed: boolean;
  planar: boolean;
  bigEndian: boolean;
}

/** Grey samples as unsigned 16-bit values; of signed ones 32,768 more than is stored. */
export function readSamples(bytes: Uint8Array, layout: SampleLayout): Uint16Array {
  const { width, height, bits, stored, signed, bigEndian } = layout;
  const values = new Uint16Array(width * height);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mask = stored >= 16 ? 0xffff : (1 << stored) - 1;
  const sign = 1 << (stored - 1);
  for (let at = 0; at < values.length; at += 1) {
    // What lies above the bits that are stored may be an overlay.
    const raw = (bits === 8 ? view.getUint8(at) : view.getUint16(2 * at, !bigEndian)) & mask;
    if (!signed) values[at] = raw;
    else values[at] = ((raw & sign) === 0 ? raw : raw - 2 * sign) + 32_768;
  }
  return values;
}
