import type { Mask } from '../../../console-kit/api/types';
import { decodeMask } from '../../../console-kit/viewer/run-lengths';

/** Saves a mask as a grey PNG of the image's size: 255 inside, 0 outside. */
export async function downloadMask(mask: Mask, name: string): Promise<void> {
  const { widthPx: width, heightPx: height } = mask;
  const bits = decodeMask(mask.cocoRle ?? '', width, height);
  const image = new ImageData(width, height);
  new Uint32Array(image.data.buffer).forEach((_, at, words) => (words[at] = bits[at] === 1 ? 0xffffffff : 0xff000000));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  const url = URL.createObjectURL(await canvas.convertToBlob({ type: 'image/png' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: `${name.replaceAll(' ', '-')}.png` });
  link.click();
  URL.revokeObjectURL(url);
}
