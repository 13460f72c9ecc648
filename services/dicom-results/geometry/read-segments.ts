// What a segmentation or label map shows, read from its bytes alone: as a receiver sees it, whoever wrote it.

import type { DataSet } from 'dicom-parser';
import { parseFile, PIXEL_DATA } from '../../imaging/dicom/data-set';
import { planeOf, type Plane } from '../../imaging/dicom/geometry';
import { unpacked } from '../content/pixels';
import { ResultError } from '../errors';
import type { FrameReference } from '../types';

export interface ShownFrame {
  /** Frame of the source that it says to be of. */
  reference: FrameReference;
  /** Where it says that it lies. */
  plane: Plane | undefined;
  /** The segment that it is of; absent: of all, as in label maps. */
  segment: number | undefined;
  /** 0 and 1, of one segment. */
  maskOf: (segment: number) => Uint8Array;
}

export interface ShownSegments {
  rows: number;
  columns: number;
  /** Segment numbers, without the background's. */
  numbers: readonly number[];
  /** From slice to slice in mm, where the object says it. */
  step: number | undefined;
  frames: readonly ShownFrame[];
}

/** Of label maps. */
const BACKGROUND = 0;

const itemOf = (dataSet: DataSet | undefined, tag: string): DataSet | undefined =>
  dataSet?.elements[tag]?.items?.[0]?.dataSet;

const unreadable = (why: string): ResultError => new ResultError('GEOMETRY', `The object cannot be read back: ${why}.`);

function referenceOf(own: DataSet | undefined, frame: number): FrameReference {
  const source = itemOf(itemOf(own, 'x00089124'), 'x00082112');
  const sopInstanceUid = source?.string('x00081155');
  if (!source || sopInstanceUid === undefined) throw unreadable(`frame ${frame + 1} names no source`);
  return { sopInstanceUid, frame: source.elements['x00081160']?.length ? (source.intString('x00081160') ?? 0) : 1 };
}

/** Where a frame of a label map has a value. */
function where(labels: Uint8Array, value: number): Uint8Array {
  const mask = new Uint8Array(labels.length);
  for (let pixel = 0; pixel < labels.length; pixel += 1) if (labels[pixel] === value) mask[pixel] = 1;
  return mask;
}

/** @throws ResultError (GEOMETRY) where something is missing; DicomError for what is no DICOM */
export function readSegments(bytes: Uint8Array): ShownSegments {
  const { dataSet } = parseFile(bytes, { maxBytes: bytes.length });
  const [rows = 0, columns = 0] = [dataSet.uint16('x00280010'), dataSet.uint16('x00280011')];
  const count = dataSet.intString('x00280008') ?? 0;
  const depth = dataSet.uint16('x00280100') ?? 0;
  const element = dataSet.elements[PIXEL_DATA];
  const size = rows * columns;
  const bytesNeeded = Math.ceil((count * size * depth) / 8);
  const held = Math.min(element?.length ?? 0, dataSet.byteArray.length - (element?.dataOffset ?? 0));
  if (!element || held < bytesNeeded) throw unreadable('it has too few pixels');
  const pixels = dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
  const shared = itemOf(dataSet, 'x52009229');
  const own = dataSet.elements['x52009230']?.items ?? [];
  const step = Number(itemOf(shared, 'x00289110')?.string('x00180088') ?? NaN);
  return {
    rows,
    columns,
    numbers: (dataSet.elements['x00620002']?.items ?? [])
      .flatMap((item) => item.dataSet?.uint16('x00620004') ?? [])
      .filter((number) => number !== BACKGROUND),
    step: step > 0 ? step : undefined,
    frames: Array.from({ length: count }, (_, frame) => {
      const groups = own[frame]?.dataSet;
      const segment = itemOf(groups, 'x0062000a')?.uint16('x0062000b');
      return {
        reference: referenceOf(groups, frame),
        plane: planeOf(dataSet, frame),
        segment,
        maskOf: (wanted) => {
          if (depth !== 1) return where(pixels.subarray(frame * size, (frame + 1) * size), wanted);
          return segment === wanted ? unpacked(pixels, frame * size, size) : new Uint8Array(size);
        },
      };
    }),
  };
}
