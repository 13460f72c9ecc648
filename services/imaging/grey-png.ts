import sharp from 'sharp';

/** One byte for each pixel, rows from the top. */
export interface GreyPicture {
  data: Uint8Array;
  width: number;
  height: number;
}

/** A grey PNG of 8 bits, compressed on another thread. */
export function encodeGreyPng({ data, width, height }: GreyPicture): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 6 })
    .toBuffer();
}
