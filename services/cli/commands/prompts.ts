import { InvalidArgumentError } from 'commander';
import type { BoxPrompt } from '../../../proto/gen/automed/segmentation/v1/BoxPrompt';
import type { PointPrompt } from '../../../proto/gen/automed/segmentation/v1/PointPrompt';

function numbers(text: string, least: number, most: number, form: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (values.length >= least && values.length <= most && values.every(Number.isFinite)) return values;
  throw new InvalidArgumentError(`it must be ${form}, in pixels of the image.`);
}

/** Collects `--point x,y[,label]`; label 1 is on the object, 0 beside it. */
export function collectPoint(text: string, earlier: PointPrompt[] = []): PointPrompt[] {
  const [xPx, yPx, label = 1] = numbers(text, 2, 3, 'X,Y or X,Y,LABEL') as [number, number, number?];
  if (label !== 0 && label !== 1)
    throw new InvalidArgumentError('its label must be 1 (on the object) or 0 (beside it).');
  const side = label === 1 ? 'POINT_LABEL_FOREGROUND' : 'POINT_LABEL_BACKGROUND';
  return [...earlier, { xPx, yPx, label: side }];
}

/** Collects `--box x0,y0,x1,y1`. */
export function collectBox(text: string, earlier: BoxPrompt[] = []): BoxPrompt[] {
  const [x0Px, y0Px, x1Px, y1Px] = numbers(text, 4, 4, 'X0,Y0,X1,Y1') as [number, number, number, number];
  return [...earlier, { x0Px, y0Px, x1Px, y1Px }];
}
