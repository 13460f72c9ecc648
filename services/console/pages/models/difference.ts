// Two masks of one image, as layers: where they agree and where only one of them is, or one left and one right of a line.

import type { Mask } from '../../../console-kit/api/types';
import { t } from '../../../console-kit/texts/en';
import { COLOURS, layerOfBits, type Layer } from '../../../console-kit/viewer/layer';
import type { Overlay } from '../../../console-kit/viewer/renderer';
import { decodeMask } from '../../../console-kit/viewer/run-lengths';
import { strokeTwice } from '../../../console-kit/viewer/stroke';

export type Split = 'difference' | 'slider';

const edgeOf = (at: number, width: number): number => Math.round(at * width);

/** The line between the two masks. */
export function drawSplit({ widthPx: width, heightPx: height }: Mask, at: number): Overlay {
  return (context, px) => {
    const x = edgeOf(at, width);
    const path = new Path2D();
    path.moveTo(x, 0);
    path.lineTo(x, height);
    strokeTwice(context, px, path, '#ffffff', false);
  };
}

/** @param at of the slider, `[0, 1]` of the width: left of it the first mask is shown, right of it the second */
export function differenceLayers(
  [first, second]: readonly [Mask, Mask],
  names: readonly [string, string],
  split: Split,
  at: number,
): Layer[] {
  const { widthPx: width, heightPx: height } = first;
  const [a, b] = [first, second].map((mask) => decodeMask(mask.cocoRle ?? '', width, height)) as [
    Uint8Array,
    Uint8Array,
  ];
  const layer = (id: string, name: string, colour: string, holds: (pixel: number) => boolean): Layer =>
    layerOfBits(
      Uint8Array.from(a, (_, pixel) => Number(holds(pixel))),
      { id, name, colour, width, height },
    );
  if (split === 'slider') {
    const edge = edgeOf(at, width);
    return [
      layer('first', names[0], COLOURS[0], (pixel) => a[pixel] === 1 && pixel % width < edge),
      layer('second', names[1], COLOURS[1], (pixel) => b[pixel] === 1 && pixel % width >= edge),
    ];
  }
  return [
    layer('both', t.models.both, COLOURS[2], (pixel) => a[pixel] === 1 && b[pixel] === 1),
    layer('first', t.models.only(names[0]), COLOURS[0], (pixel) => a[pixel] === 1 && b[pixel] !== 1),
    layer('second', t.models.only(names[1]), COLOURS[1], (pixel) => a[pixel] !== 1 && b[pixel] === 1),
  ];
}
