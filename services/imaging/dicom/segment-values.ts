// What the stored values of a segmentation mean (PS3.3 C.8.20.2, C.8.20.4): a bit for a segment, a share of the pixel, or the
// number of a segment.

import type { DataSet } from 'dicom-parser';
import { decodedText } from './character-set';
import { itemsOf } from './data-set';
import { DicomError } from './errors';
import { text, type ImageFormat } from './header';
import type { Values } from './stored-values';

export interface Segment {
  number: number;
  /** Segment Label, decoded. */
  label: string | undefined;
}

/** Numbers of the segments that are wanted, both included; absent: all. */
export type WantedSegments = readonly { from: number; to: number }[] | undefined;

export type SegmentValues =
  | { kind: 'BINARY' }
  /** Drawn is what is half of the maximum, or more. */
  | { kind: 'FRACTIONAL'; maximum: number }
  | { kind: 'LABELMAP'; segments: ReadonlySet<number>; background: number };

const LARGEST_BYTE = 255;

/** The value of a label map that stands for no segment: its padding value, else 0. */
function backgroundOf(dataSet: DataSet): number {
  return dataSet.elements.x00280120?.length ? (dataSet.uint16('x00280120') ?? 0) : 0;
}

/** The segments of a segmentation, without the background of a label map. */
export function segmentsIn(dataSet: DataSet): Segment[] {
  const items = itemsOf(dataSet, 'x00620002');
  const all = items.flatMap((item): Segment[] => {
    const number = item.uint16('x00620004');
    return number === undefined ? [] : [{ number, label: decodedText(item, 'x00620005', dataSet) }];
  });
  if (text(dataSet, 'x00620001') !== 'LABELMAP') return all;
  return all.filter(({ number }) => number !== backgroundOf(dataSet));
}

function unread(): DicomError {
  return new DicomError('PIXEL_FORMAT', 'The DICOM segmentation is neither binary nor fractional nor a label map.');
}

function maximumOf(dataSet: DataSet): number {
  const maximum = dataSet.elements.x0062000e?.length ? dataSet.uint16('x0062000e') : undefined;
  if (maximum === undefined || maximum < 1 || maximum > LARGEST_BYTE) {
    throw new DicomError('HEADER', 'The DICOM segmentation is fractional, and has no valid maximum fractional value.');
  }
  return maximum;
}

/** @throws DicomError (PIXEL_FORMAT) for a kind that is not read, (HEADER) for one that lacks what its values mean */
export function segmentValuesOf(dataSet: DataSet, { bitsAllocated, samples }: ImageFormat): SegmentValues {
  const kind = text(dataSet, 'x00620001');
  if (samples !== 1) throw unread();
  if (kind === 'BINARY' && bitsAllocated === 1) return { kind };
  if (kind === 'FRACTIONAL' && bitsAllocated === 8) return { kind, maximum: maximumOf(dataSet) };
  if (kind === 'LABELMAP' && (bitsAllocated === 8 || bitsAllocated === 16)) {
    const segments = new Set(segmentsIn(dataSet).map(({ number }) => number));
    return { kind, segments, background: backgroundOf(dataSet) };
  }
  throw unread();
}

/** Whether a segment is wanted. */
export const isWanted = (segment: number | undefined, wanted: WantedSegments): boolean =>
  !wanted || (segment !== undefined && wanted.some(({ from, to }) => segment >= from && segment <= to));

function ofLabels(
  values: Values,
  { segments, background }: { segments: ReadonlySet<number>; background: number },
  wanted: WantedSegments,
): Uint8Array {
  const drawn = new Map<number, number>([[background, 0]]);
  for (const segment of segments) drawn.set(segment, isWanted(segment, wanted) ? 1 : 0);
  return Uint8Array.from(values, (value) => {
    const known = drawn.get(value);
    if (known !== undefined) return known;
    throw new DicomError('HEADER', `The DICOM label map holds the value ${value}, which is none of its segments.`);
  });
}

/**
 * What a frame draws: 0 or 1 for each pixel.
 * @param segment that the frame is of; label maps have all in one
 * @throws DicomError (HEADER) for a value that the header does not allow
 */
export function drawnIn(
  values: Values,
  meaning: SegmentValues,
  segment: number | undefined,
  wanted: WantedSegments,
): Uint8Array {
  if (meaning.kind === 'LABELMAP') return ofLabels(values, meaning, wanted);
  if (!isWanted(segment, wanted)) return new Uint8Array(values.length);
  if (meaning.kind === 'BINARY') return Uint8Array.from(values);
  const { maximum } = meaning;
  return Uint8Array.from(values, (value) => {
    if (value <= maximum) return value * 2 >= maximum ? 1 : 0;
    throw new DicomError('HEADER', `The DICOM segmentation holds the fraction ${value} of at most ${maximum}.`);
  });
}
