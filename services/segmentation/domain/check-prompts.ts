// What of prompts can be checked without the base that they are for. The engine checks them again, for callers that know neither
// the image nor the base; the texts are the same.

import { automedError } from '../../common/errors';
import type { EverythingParameters, Prompts } from './interactive-ports';

export interface Extent {
  width: number;
  height: number;
}

/** Logits of a mask, as samples of images. */
const MOST_LOGIT = 1e9;

function invalid(message: string, field: string): Error {
  return automedError('INVALID_ARGUMENT', message, { field });
}

/** @param farEdge whether a value may be `size` itself */
function checkCoordinate(value: number, size: number | undefined, farEdge: boolean, field: string): void {
  const most = size ?? Infinity;
  if (value >= 0 && (value < most || (farEdge && value === most))) return; // also false for NaN
  const range = size === undefined ? 'be 0 or more' : `lie in [0, ${size}${farEdge ? ']' : ')'}, inside the image`;
  throw invalid(`${field} must ${range}`, field);
}

function checkBox({ x0, y0, x1, y1 }: Prompts['boxes'][number], extent: Partial<Extent>, field: string): void {
  const { width, height } = extent;
  checkCoordinate(x0, width, false, `${field}.x0_px`);
  checkCoordinate(y0, height, false, `${field}.y0_px`);
  checkCoordinate(x1, width, true, `${field}.x1_px`);
  checkCoordinate(y1, height, true, `${field}.y1_px`);
  if (x1 <= x0) throw invalid('a box must end to the right of where it begins', `${field}.x1_px`);
  if (y1 <= y0) throw invalid('a box must end below where it begins', `${field}.y1_px`);
}

/**
 * @param extent of the image, in pixels; absent where it is not known
 * @throws InvalidInputError that names the field
 */
export function checkPrompts({ points, boxes, mask }: Prompts, extent: Partial<Extent> = {}): void {
  if (points.length === 0 && boxes.length === 0 && !mask) {
    throw invalid('give at least one point, box or mask', 'points');
  }
  if (boxes.length > 1 && (points.length > 0 || mask)) {
    const text = 'several boxes are several objects; points or a mask describe one';
    throw invalid(text, points.length > 0 ? 'points' : 'mask_logits');
  }
  points.forEach(({ x, y }, index) => {
    checkCoordinate(x, extent.width, false, `points[${index}].x_px`);
    checkCoordinate(y, extent.height, false, `points[${index}].y_px`);
  });
  boxes.forEach((box, index) => checkBox(box, extent, `boxes[${index}]`));
  if (mask && !mask.every((value) => Math.abs(value) <= MOST_LOGIT)) {
    throw invalid('the values of the mask prompt must lie in [-1e9, 1e9]', 'mask_logits');
  }
}

/**
 * @param side that the base takes, known without loading it
 * @throws InvalidInputError (SHAPE_MISMATCH, field `mask_logits`)
 */
export function checkLogitsSide(mask: Float32Array, side: number): void {
  if (mask.length === side * side) return;
  const text = `the mask prompt of this base must be ${side} x ${side}`;
  throw automedError('SHAPE_MISMATCH', text, { field: 'mask_logits' });
}

/** Both included. Bounds that the request's fields of single precision round are rounded, too. */
const RANGES = {
  pointsPerSide: ['points_per_side', 1, 128],
  minPredictedIou: ['min_predicted_iou', 0, 1],
  minStability: ['min_stability', 0, 1],
  stabilityOffset: ['stability_offset', Math.fround(1e-6), 16],
  nmsIou: ['nms_iou', 0, 1],
} as const;

/** @throws InvalidInputError that names the field */
export function checkEverything(parameters: EverythingParameters): void {
  for (const [name, [field, low, high]] of Object.entries(RANGES)) {
    const value = parameters[name as keyof EverythingParameters];
    if (value !== undefined && !(value >= low && value <= high)) throw invalid(`${field} is out of range`, field);
  }
}
