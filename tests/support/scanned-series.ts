// Series of slices as a scanner sends them, made of pictures.

import { dicomFile, type DicomElements } from './dicom';

export interface SeriesPicture {
  /** 8-bit grey, rows from the top. */
  pixels: Uint8Array;
  width: number;
  height: number;
}

export interface SeriesOptions {
  /** UID of the study; those of series and images begin with it. */
  study: string;
  /** From 1. */
  number?: number;
  modality?: string;
  description?: string;
  patientId?: string;
  /** From slice to slice, mm. */
  step?: number;
  /** Elements besides, or instead. */
  more?: DicomElements;
}

const CT = '1.2.840.10008.5.1.4.1.1.2';
const MR = '1.2.840.10008.5.1.4.1.1.4';
const CLASSES: Readonly<Record<string, string>> = { CT, MR };

export const seriesUid = (study: string, number = 1): string => `${study}.${number}`;
export const imageUid = (study: string, at: number, number = 1): string => `${study}.${number}.${at + 1}`;

/** Files of an axial stack, in the order of their places. */
export function seriesFiles(pictures: readonly SeriesPicture[], options: SeriesOptions): Buffer[] {
  const {
    study,
    number = 1,
    modality = 'CT',
    description = 'AXIAL',
    patientId = 'DEMO-1',
    step = 3,
    more = {},
  } = options;
  return pictures.map(({ pixels, width, height }, at) =>
    dicomFile({
      '00080008': ['CS', 'ORIGINAL\\PRIMARY\\AXIAL'],
      '00080016': ['UI', CLASSES[modality] ?? CT],
      '00080018': ['UI', imageUid(study, at, number)],
      '00080020': ['DA', '20260105'],
      '00080021': ['DA', '20260105'],
      '00080030': ['TM', '101500'],
      '00080050': ['SH', 'ACC1'],
      '00080060': ['CS', modality],
      '00080070': ['LO', 'Synthetic'],
      '00080090': ['PN', ''],
      '0008103e': ['LO', description],
      '00100010': ['PN', 'Demo^Synthetic'],
      '00100020': ['LO', patientId],
      '00100030': ['DA', '19700101'],
      '00100040': ['CS', 'O'],
      '00180015': ['CS', 'ABDOMEN'],
      '00180050': ['DS', String(step)],
      '0020000d': ['UI', study],
      '0020000e': ['UI', seriesUid(study, number)],
      '00200010': ['SH', '1'],
      '00200011': ['IS', String(number)],
      '00200013': ['IS', String(at + 1)],
      '00200032': ['DS', `-100\\-100\\${at * step}`],
      '00200037': ['DS', '1\\0\\0\\0\\1\\0'],
      '00200052': ['UI', `${study}.99`],
      '00201040': ['LO', ''],
      '00280002': ['US', [1]],
      '00280004': ['CS', 'MONOCHROME2'],
      '00280010': ['US', [height]],
      '00280011': ['US', [width]],
      '00280030': ['DS', '0.75\\0.75'],
      '00280100': ['US', [16]],
      '00280101': ['US', [12]],
      '00280102': ['US', [11]],
      '00280103': ['US', [0]],
      '00281050': ['DS', '127.5'],
      '00281051': ['DS', '256'],
      '00281052': ['DS', '0'],
      '00281053': ['DS', '1'],
      '7fe00010': ['OW', [...pixels]],
      ...more,
    }),
  );
}
