// Pictures of discs in SAM-Med2D's own layout: a mask for each disc, so that only a prompt says which one is meant.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GREY, png, RGB } from './images';

const SIZE = 64;
const RADIUS = 9;

interface DiscsOptions {
  /** Discs of each training image; validation images have two. */
  train: 'one' | 'two';
  /** Of the training part; a quarter as many validate. */
  images: number;
}

const inDisc = (at: number, [x, y]: readonly [number, number]): boolean =>
  Math.hypot((at % SIZE) - x, Math.floor(at / SIZE) - y) < RADIUS;

export function writeTwoDiscs(folder: string, { train, images }: DiscsOptions): string {
  for (const name of ['images', 'masks']) mkdirSync(join(folder, name), { recursive: true });
  const write = (part: string, first: number, count: number, both: boolean): void => {
    const list: Record<string, string[]> = {};
    for (let number = first; number < first + count; number += 1) {
      const left = [14 + ((number * 5) % 6), 14 + ((number * 13) % 36)] as const;
      const right = [46 + ((number * 3) % 6), 14 + ((number * 29) % 36)] as const;
      const discs = both ? [left, right] : [number % 2 === 0 ? left : right];
      const pixels = Buffer.from(
        Array.from({ length: SIZE * SIZE * 3 }, (_, byte) => {
          const at = Math.floor(byte / 3);
          return (discs.some((disc) => inDisc(at, disc)) ? 200 : 60) + ((at * 31 + number * 17) % 40);
        }),
      );
      const image = `images/ct_${number}_0.png`;
      writeFileSync(join(folder, image), png(SIZE, SIZE, RGB, 8, pixels));
      list[image] = discs.map((disc, at) => {
        const mask = `masks/ct_${number}_0_disc_00${at}.png`;
        const bits = Buffer.from(Array.from({ length: SIZE * SIZE }, (_, pixel) => (inDisc(pixel, disc) ? 255 : 0)));
        writeFileSync(join(folder, mask), png(SIZE, SIZE, GREY, 8, bits));
        return mask;
      });
    }
    writeFileSync(join(folder, `image2label_${part}.json`), JSON.stringify(list));
  };
  write('train', 0, images, train === 'two');
  write('val', images, Math.ceil(images / 4), true);
  return folder;
}
