// What must hold of images and masks before anything is written of them.

import { ResultError } from '../errors';
import type { DrawnMasks, FrameReference, SourceImage } from '../types';
import type { ElementValue } from '../write/elements';
import { isBinary } from './pixels';

const content = (message: string): ResultError => new ResultError('CONTENT', message);

/** Text of whatever character set, without the blanks that pad it. */
function textBytes(value: ElementValue | undefined): string {
  const bytes = typeof value === 'string' || value instanceof Uint8Array ? Buffer.from(value) : Buffer.alloc(0);
  return bytes.toString('latin1').replace(/[ \0]+$/, '');
}

/** @throws ResultError (SOURCE) unless all are different images of one series in one place of one patient */
export function checkSeries(series: readonly SourceImage[]): readonly [SourceImage, ...SourceImage[]] {
  const [first, ...rest] = series;
  if (!first) throw new ResultError('SOURCE', 'A result needs an image.');
  for (const field of ['studyUid', 'seriesUid', 'frameOfReferenceUid', 'sopClassUid'] as const) {
    if (rest.some((image) => image[field] !== first[field])) {
      throw new ResultError('SOURCE', `The images of a result differ in ${NAMES[field]}.`);
    }
  }
  const patient = ({ carried }: SourceImage): string => textBytes(carried['00100020']?.[1]);
  if (rest.some((image) => patient(image) !== patient(first))) {
    throw new ResultError('SOURCE', 'The images of a result are of several patients.');
  }
  if (new Set(series.map(({ sopInstanceUid }) => sopInstanceUid)).size < series.length) {
    throw new ResultError('SOURCE', 'Two images of a result have the same SOP Instance UID.');
  }
  return [first, ...rest];
}

const NAMES = {
  studyUid: 'Study Instance UID',
  seriesUid: 'Series Instance UID',
  frameOfReferenceUid: 'Frame of Reference UID',
  sopClassUid: 'SOP Class UID',
} as const;

/** @throws ResultError (CONTENT) for a frame that no image of the series has */
export function imageOf(series: readonly SourceImage[], { sopInstanceUid, frame }: FrameReference): SourceImage {
  const image = series.find((one) => one.sopInstanceUid === sopInstanceUid);
  if (!image) throw content(`The series has no image ${sopInstanceUid}.`);
  if (!Number.isInteger(frame) || frame < 1 || frame > image.planes.length) {
    throw content(`Image ${sopInstanceUid} has ${image.planes.length} frames and no frame ${frame}.`);
  }
  return image;
}

function checkMask(mask: Uint8Array, { rows, columns }: SourceImage, name: string): void {
  if (mask.length !== rows * columns) {
    throw content(`A mask of "${name}" has ${mask.length} pixels, its image ${columns} x ${rows}.`);
  }
  if (!isBinary(mask)) throw content(`A mask of "${name}" holds values beside 0 and 1.`);
}

const isShare = (value: number): boolean => value >= 0 && value <= 1;

/** @throws ResultError (CONTENT) for a probability that is none, NaN included */
export function checkProbability(value: number | undefined, of: string): void {
  if (value !== undefined && !isShare(value)) throw content(`The probability of "${of}" is not in [0, 1].`);
}

/** @throws ResultError (CONTENT) unless every mask fits its frame and every name and frame is there once */
export function checkMasks(series: readonly SourceImage[], { frames, structures, affine }: DrawnMasks): void {
  if (frames.length === 0) throw content('Masks need a frame that they were drawn on.');
  if (structures.length === 0) throw content('Masks need a structure.');
  const images = frames.map((frame) => imageOf(series, frame));
  const keys = frames.map(({ sopInstanceUid, frame }) => `${sopInstanceUid} ${frame}`);
  if (new Set(keys).size < keys.length) throw content('Two slices of the masks are of one frame.');
  if (new Set(images.map(({ rows, columns }) => `${rows} x ${columns}`)).size > 1) {
    throw content('The images of one segmentation have several sizes.');
  }
  if (new Set(structures.map(({ name }) => name)).size < structures.length) {
    throw content('Two structures have the same name.');
  }
  if (affine && (affine.length !== 16 || !affine.every(Number.isFinite))) {
    throw content('The affine of the masks is not 4 x 4 finite numbers.');
  }
  for (const { name, slices, probability } of structures) {
    checkProbability(probability, name);
    if (slices.length !== frames.length) {
      throw content(`"${name}" has ${slices.length} slices, and the masks have ${frames.length} frames.`);
    }
    slices.forEach((mask, at) => {
      const image = images[at];
      if (mask && image) checkMask(mask, image, name);
    });
  }
}
