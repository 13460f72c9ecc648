import sharp from 'sharp';
import type { Picture } from './overlay';

export interface GalleryOptions {
  /** Side of a cell in pixels; pictures are fitted into it, aspect kept. */
  cell?: number;
  columns?: number;
  gap?: number;
}

/** Arranges pictures in a grid, row by row, on a dark ground, as one PNG. */
export async function galleryPng(pictures: readonly Picture[], options: GalleryOptions = {}): Promise<Buffer> {
  const { cell = 192, gap = 6 } = options;
  const columns = options.columns ?? Math.max(1, Math.ceil(Math.sqrt(pictures.length)));
  const rows = Math.max(1, Math.ceil(pictures.length / columns));
  const background = { r: 24, g: 24, b: 28 };
  const tiles = await Promise.all(
    pictures.map(async ({ data, width, height }, index) => ({
      input: await sharp(data, { raw: { width, height, channels: 3 } })
        .resize(cell, cell, { fit: 'contain', background })
        .png({ compressionLevel: 1 })
        .toBuffer(),
      left: gap + (index % columns) * (cell + gap),
      top: gap + Math.floor(index / columns) * (cell + gap),
    })),
  );
  const side = (count: number): number => gap + count * (cell + gap);
  return sharp({ create: { width: side(columns), height: side(rows), channels: 3, background } })
    .composite(tiles)
    .png()
    .toBuffer();
}
