export interface BmpPicture {
  width: number;
  height: number;
  bits: 1 | 8 | 24;
  /** Rows from the top: an index into the palette, or blue, green and red in one number. */
  pixels: readonly number[];
  /** Greys of the palette. */
  greys?: readonly number[];
  topDown?: boolean;
  /** Bytes between palette and pixels. */
  gap?: number;
}

/** An uncompressed BMP, byte by byte. */
export function bmp({ width, height, bits, pixels, greys = [], topDown = false, gap = 0 }: BmpPicture): Buffer {
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const offset = 54 + 4 * greys.length + gap;
  const bytes = Buffer.alloc(offset + rowBytes * height);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(offset, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(topDown ? -height : height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  bytes.writeUInt32LE(greys.length, 46);
  greys.forEach((grey, index) => bytes.fill(grey, 54 + 4 * index, 54 + 4 * index + 3));
  pixels.forEach((value, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    const row = offset + (topDown ? y : height - 1 - y) * rowBytes;
    if (bits === 1) bytes[row + (x >> 3)] = (bytes[row + (x >> 3)] ?? 0) | (value << (7 - (x & 7)));
    else if (bits === 8) bytes[row + x] = value;
    else bytes.writeUIntLE(value, row + 3 * x, 3);
  });
  return bytes;
}
