// Masks whose every slice, flip and turn differs, and the model that drew them.

import {
  stackOf,
  type DrawnMasks,
  type ModelIdentity,
  type ResultContext,
  type SourceImage,
} from '../../services/dicom-results';

const sct = (value: string, meaning: string) => ({ value, scheme: 'SCT', meaning });

export const MODEL: ModelIdentity = {
  name: 'abdomen',
  version: 3,
  weightsSha256: 'a1'.repeat(32),
  baseSha256: 'b2'.repeat(32),
  precision: 'fp32',
  build: '0.1.0',
  preprocessing: '{"fit":"stretch"}',
  threshold: 0.5,
  terms: {
    liver: { category: sct('91723000', 'Anatomical Structure'), type: sct('10200004', 'Liver') },
    lesion: { type: sct('52988006', 'Lesion'), anatomy: sct('10200004', 'Liver'), colour: [255, 0, 0] },
  },
};

export const CREATED = new Date('2026-11-29T12:00:00Z');

export const contextOf = (series: readonly SourceImage[], model = MODEL): ResultContext => ({
  series,
  model,
  created: CREATED,
});

/** A box from the first corner that grows from slice to slice: no symmetry is left. */
export function growing(rows: number, columns: number, slice: number): Uint8Array {
  return Uint8Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return row >= 1 && row <= 2 + (slice % 3) && column >= 1 && column <= 1 + slice ? 1 : 0;
  });
}

/** Crosses the box; absent from the second slice. */
const stripe = (rows: number, columns: number, slice: number): Uint8Array | undefined =>
  slice === 1
    ? undefined
    : Uint8Array.from({ length: rows * columns }, (_, at) => (at % columns === 2 + (slice % 2) ? 1 : 0));

/** Of frames in an order that the caller gives, "liver" and "lesion", which overlap. */
export function drawnOn(series: readonly SourceImage[], frames: DrawnMasks['frames']): DrawnMasks {
  const { rows = 0, columns = 0 } = series[0] ?? {};
  return {
    frames,
    affine: undefined,
    structures: [
      { name: 'liver', probability: 0.9, slices: frames.map((_, slice) => growing(rows, columns, slice)) },
      { name: 'lesion', probability: 0.7, slices: frames.map((_, slice) => stripe(rows, columns, slice)) },
    ],
  };
}

/** Of a series that is a stack. */
export function drawnOnStack(series: readonly SourceImage[]): DrawnMasks {
  const { frames, affine } = stackOf(series);
  return { ...drawnOn(series, frames), affine };
}

/** Of every frame of images that lie nowhere. */
export function drawnOnFrames(series: readonly SourceImage[]): DrawnMasks {
  return drawnOn(
    series,
    series.flatMap(({ sopInstanceUid, planes }) => planes.map((_, at) => ({ sopInstanceUid, frame: at + 1 }))),
  );
}
