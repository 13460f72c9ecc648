// Small series that lie in the patient, and images that do not, with the attributes of patient and study that archives expect.

import { readSource, type SourceImage } from '../../services/dicom-results';
import { dicomFile, greyElements, type DicomElements } from './dicom';

export type Vector = readonly [number, number, number];

export const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2';
export const CR_IMAGE = '1.2.840.10008.5.1.4.1.1.1';

/** Patient and study as an archive in UTF-8 keeps them: the name has letters of two scripts. */
export const STUDY: DicomElements = {
  '00080005': ['CS', 'ISO_IR 192'],
  '00080020': ['DA', '20240102'],
  '00080030': ['TM', '101112'],
  '00080050': ['SH', 'A-77'],
  '00080070': ['LO', 'Maker'],
  '00080090': ['PN', 'Refer^Ann'],
  '00081030': ['LO', 'Abdomen'],
  '00100010': ['PN', Buffer.from('Müller^Jörg=山田^太郎', 'utf8')],
  '00100020': ['LO', 'P-0815'],
  '00100030': ['DA', '19600203'],
  '00100040': ['CS', 'M'],
  '00101030': ['DS', '71.50'],
  '0020000d': ['UI', '1.2.826.0.1.3680043.8.498.1'],
  '0020000e': ['UI', '1.2.826.0.1.3680043.8.498.2'],
  '00200010': ['SH', 'S1'],
  '00200011': ['IS', '3'],
};

export interface SeriesShape {
  rows: number;
  columns: number;
  slices: number;
  /** Along a row, down a column, and from slice to slice in mm. */
  across?: Vector;
  down?: Vector;
  step?: Vector;
  /** Of rows and of columns, in mm. */
  spacing?: readonly [number, number];
  origin?: Vector;
  more?: DicomElements;
}

/** The UID of slice k, in the order in which the series was scanned. */
export const sliceUid = (slice: number): string => `1.2.826.0.1.3680043.8.498.3.${slice + 1}`;

const text = (values: readonly number[]): string => values.map((value) => String(Number(value.toFixed(9)))).join('\\');

/** A stack of CT slices, one file each; slice k lies k steps from the origin. */
export function ctFiles(shape: SeriesShape): Buffer[] {
  const { rows, columns, slices, across = [1, 0, 0], down = [0, 1, 0], step = [0, 0, 2.5] } = shape;
  const { spacing = [0.7, 0.6], origin = [-10, -20, 30], more = {} } = shape;
  return Array.from({ length: slices }, (_, slice) => {
    const position = origin.map((mm, axis) => mm + slice * (step[axis] ?? 0));
    return dicomFile({
      ...greyElements({ width: columns, height: rows }),
      ...STUDY,
      '00080008': ['CS', 'ORIGINAL\\PRIMARY\\AXIAL'],
      '00080016': ['UI', CT_IMAGE],
      '00080018': ['UI', sliceUid(slice)],
      '00080060': ['CS', 'CT'],
      '00180050': ['DS', '2.5'],
      '00180060': ['DS', '120'],
      '00200012': ['IS', '1'],
      '00200013': ['IS', String(slice + 1)],
      '00200032': ['DS', text(position)],
      '00200037': ['DS', text([...across, ...down])],
      '00200052': ['UI', '1.2.826.0.1.3680043.8.498.4'],
      '00201040': ['LO', ''],
      '00280030': ['DS', text(spacing)],
      '00281052': ['DS', '-1024'],
      '00281053': ['DS', '1'],
      '7fe00010': ['OW', Array.from({ length: rows * columns }, (_value, at) => (at * 7 + slice * 31) % 997)],
      ...more,
    });
  });
}

export const ctSeries = (shape: SeriesShape): SourceImage[] => ctFiles(shape).map((bytes) => readSource(bytes));

/** A radiograph: spacing at the detector alone, no place in the patient. */
export function crFile({ rows, columns, more = {} }: Pick<SeriesShape, 'rows' | 'columns' | 'more'>): Buffer {
  return dicomFile({
    ...greyElements({ width: columns, height: rows }),
    ...STUDY,
    '00080016': ['UI', CR_IMAGE],
    '00080018': ['UI', sliceUid(0)],
    '00080060': ['CS', 'CR'],
    '00180015': ['CS', 'CHEST'],
    '00181164': ['DS', '0.2\\0.2'],
    '00185101': ['CS', 'PA'],
    '00200013': ['IS', '1'],
    '00200020': ['CS', 'L\\F'],
    '00200060': ['CS', ''],
    '7fe00010': ['OW', Array.from({ length: rows * columns }, (_value, at) => (at * 13) % 997)],
    ...more,
  });
}

/** The same stack as one enhanced CT image whose frames lie in the order given. */
export function enhancedFile({ order, ...shape }: SeriesShape & { order: readonly number[] }): Buffer {
  const { rows, columns, spacing = [0.7, 0.6], origin = [-10, -20, 30], step = [0, 0, 2.5], more = {} } = shape;
  const place = (slice: number): string => text(origin.map((mm, axis) => mm + slice * (step[axis] ?? 0)));
  const measures: DicomElements = { '00180050': ['DS', '2.5'], '00280030': ['DS', text(spacing)] };
  const direction: DicomElements = { '00200037': ['DS', '1\\0\\0\\0\\1\\0'] };
  return dicomFile({
    ...greyElements({ width: columns, height: rows, frames: order.length }),
    ...STUDY,
    '00080008': ['CS', 'ORIGINAL\\PRIMARY\\VOLUME\\NONE'],
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.2.1'],
    '00080018': ['UI', sliceUid(0)],
    '00080060': ['CS', 'CT'],
    '00200013': ['IS', '1'],
    '00200052': ['UI', '1.2.826.0.1.3680043.8.498.4'],
    '00201040': ['LO', ''],
    '52009229': ['SQ', [{ '00209116': ['SQ', [direction]], '00289110': ['SQ', [measures]] }]],
    '52009230': [
      'SQ',
      order.map((slice): DicomElements => ({ '00209113': ['SQ', [{ '00200032': ['DS', place(slice)] }]] })),
    ],
    '7fe00010': ['OW', Array.from({ length: rows * columns * order.length }, (_, at) => (at * 7) % 997)],
    ...more,
  });
}
