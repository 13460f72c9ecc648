import sharp from 'sharp';
import { Random } from '../../../services/common/random';

const SIDE = 512;

/** What cameras and scanners leave in the lowest bits, which makes a PNG as large as those of real pictures: about 500 KiB. */
const NOISE = 6;

/** A blob on a shaded ground with noise; the same seed gives the same picture. */
function pixels(seed: number, side: number): Buffer {
  const random = new Random(seed);
  const rgb = Buffer.alloc(side * side * 3);
  const [x0, y0] = [random.range(0.3 * side, 0.7 * side), random.range(0.3 * side, 0.7 * side)];
  for (let at = 0; at < side * side; at += 1) {
    const [x, y] = [at % side, Math.floor(at / side)];
    const inside = Math.hypot(x - x0, y - y0) < side / 6;
    for (let band = 0; band < 3; band += 1) {
      rgb[3 * at + band] = (inside ? 170 - 40 * band : 80 + 15 * band) + 20 * Math.sin(x / 70) + random.next() * NOISE;
    }
  }
  return rgb;
}

/** Square pictures in colour, as files. */
export async function pictures(format: 'png' | 'jpeg', count: number, side = SIDE): Promise<Buffer[]> {
  const seeds = Array.from({ length: count }, (_, index) => index + 1);
  return Promise.all(
    seeds.map((seed) =>
      sharp(pixels(seed, side), { raw: { width: side, height: side, channels: 3 } })
        .toFormat(format)
        .toBuffer(),
    ),
  );
}
