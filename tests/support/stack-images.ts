import sharp from 'sharp';

export interface TestImage {
  width: number;
  height: number;
  /** Interleaved RGB. */
  rgb: Buffer;
  png: Buffer;
}

/** A coloured disc on a textured ground; the same arguments give the same bytes. */
export async function discImage(width = 300, height = 200, seed = 1): Promise<TestImage> {
  const rgb = Buffer.alloc(width * height * 3);
  let state = seed >>> 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const inside = Math.hypot(x - width / 2, y - height / 2) < Math.min(width, height) / 4;
      const noise = state >>> 27;
      const at = (y * width + x) * 3;
      rgb[at] = (inside ? 190 : 90) + noise;
      rgb[at + 1] = (inside ? 60 : 110) + noise;
      rgb[at + 2] = (inside ? 70 : 100) + noise;
    }
  }
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { width, height, rgb, png };
}
