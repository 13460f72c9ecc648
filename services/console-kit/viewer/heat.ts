// A coarse map of evidence over an image: warm where it speaks for something, cold where against.

import { fromBase64 } from '../api/bytes';
import type { Saliency } from '../api/types';
import type { Overlay } from './renderer';
import type { Size } from './view';

/** Orange and blue are told apart by people who see few colours, too. */
const FOR = [240, 130, 20] as const;
const AGAINST = [40, 110, 240] as const;
const MOST_ALPHA = 200;

/** RGBA of each value, the strongest of them opaque but for a little. */
function heatColours(values: Float32Array): Uint8ClampedArray<ArrayBuffer> {
  const most = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const colours = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, at) => {
    const alpha = most === 0 ? 0 : (MOST_ALPHA * Math.abs(value)) / most;
    colours.set([...(value < 0 ? AGAINST : FOR), alpha], 4 * at);
  });
  return colours;
}

/** Draws the part of the map that the image covers over the image. */
export function heatOf({ map, placement }: Saliency, image: Size): Overlay {
  const [rows = 1, columns = 1] = map.shape;
  const canvas = new OffscreenCanvas(columns, rows);
  const values = new Float32Array(fromBase64(map.data).buffer);
  canvas.getContext('2d')?.putImageData(new ImageData(heatColours(values), columns, rows), 0, 0);
  const { inputSizePx: size, leftPx = 0, topPx = 0, innerWidthPx, innerHeightPx } = placement;
  const [across, down] = [columns / size, rows / size];
  return (context) => {
    context.imageSmoothingEnabled = true;
    context.drawImage(
      canvas,
      leftPx * across,
      topPx * down,
      innerWidthPx * across,
      innerHeightPx * down,
      0,
      0,
      image.width,
      image.height,
    );
    context.imageSmoothingEnabled = false;
  };
}
