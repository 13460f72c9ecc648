// Which DICOM objects are images, and what kind of picture an image is.

import type { DataSet } from 'dicom-parser';

const STORAGE = '1.2.840.10008.5.1.4.1.1.';

/** Storage SOP classes without pictures (PS3.4 B.5), by what follows the common root; a final dot stands for a family. */
const NO_PICTURES = [
  '4.2', // MR spectroscopy
  '8', // stand-alone overlays, curves and tables, retired
  '9',
  '10',
  '11',
  '9.', // waveforms
  '11.', // presentation states
  '66', // raw data
  '66.1', // registrations, fiducials, surfaces, tracts
  '66.2',
  '66.3',
  '66.5',
  '66.6',
  '67', // real world value mapping
  '68.', // surface scans
  '78.', // ophthalmic measurements
  '79.1',
  '80.1',
  '88.', // structured reports and key objects
  '90.1',
  '104.', // encapsulated documents
  '131',
  '200.', // protocols
  '201.1',
  '481.2', // radiotherapy: doses, structures, plans, records; 481.1 is RT Image
  '481.3',
  '481.4',
  '481.5',
  '481.6',
  '481.7',
  '481.8',
  '481.9',
];
/** Radiotherapy of the second generation: 481.10 to 481.25 without the enhanced images 481.23 and 481.24. */
const RADIOTHERAPY = /^481\.(1\d|2[0125])$/;

/** Others: directories of media, instructions and worklists of radiotherapy, hanging protocols, palettes, implants. */
const OTHERS =
  /^1\.2\.840\.10008\.(1\.3\.10|5\.1\.4\.(34\.\d[\d.]*|38\.1|39\.1|43\.1|44\.1|45\.1))$|^1\.3\.12\.2\.1107\.5\.9\.1$/;

/** Rows, and pixels as integers and floats of either size. */
const PIXELS = ['x00280010', 'x7fe00010', 'x7fe00008', 'x7fe00009'];

/** Modalities of objects without pictures, for files that name no SOP class. */
const MODALITIES = new Set(
  'SR PR KO RTSTRUCT RTPLAN RTDOSE RTRECORD DOC ECG EPS HD RESP AU REG FID RWV PLAN SEGSURF'.split(' '),
);

function textOf(dataSet: DataSet, tag: string): string | undefined {
  const value = dataSet.string(tag)?.trim();
  return value === '' ? undefined : value;
}

/** What Image Type says of a picture from its third value on, where kinds of images add their own. */
function imageType(dataSet: DataSet): string[] {
  const values = textOf(dataSet, 'x00080008')?.split('\\') ?? [];
  return values.slice(2).map((value) => value.trim().toUpperCase());
}

/** True for an object whose kind has no pictures, whatever else it holds. */
export function isNoImage(dataSet: DataSet): boolean {
  const sopClass = textOf(dataSet, 'x00080016') ?? textOf(dataSet, 'x00020002');
  if (sopClass === undefined) {
    // The directory of a medium names no class of its own, and begins with where its records are.
    return dataSet.elements['x00041220'] !== undefined || MODALITIES.has(textOf(dataSet, 'x00080060') ?? '');
  }
  if (OTHERS.test(sopClass)) return true;
  // Classes of makers: those that say nothing of rows never had pixels.
  if (!sopClass.startsWith(STORAGE)) return PIXELS.every((tag) => dataSet.elements[tag] === undefined);
  const kind = sopClass.slice(STORAGE.length);
  return (
    RADIOTHERAPY.test(kind) ||
    NO_PICTURES.some((known) => (known.endsWith('.') ? kind.startsWith(known) : kind === known))
  );
}

/** Pictures that show no tissue, or show it for orientation only (PS3.3 C.7.6.1.1.2, C.8.12.4.1.1). */
const SIDE_PICTURES = ['LABEL', 'OVERVIEW', 'LOCALIZER'] as const;
export type SidePicture = (typeof SIDE_PICTURES)[number];

/** What makes an image no sample of its own, by its Image Type or by Specimen Label in Image. */
export function sidePictureOf(dataSet: DataSet): SidePicture | undefined {
  const values = imageType(dataSet);
  const side = SIDE_PICTURES.find((kind) => values.includes(kind));
  return side ?? (textOf(dataSet, 'x00480010')?.toUpperCase() === 'YES' ? 'LABEL' : undefined);
}

/** A level of a slide's pyramid; the largest is the slide as it was scanned. */
export interface SlideLevel {
  /** Series and container: levels of one slide have this in common. Identifies patients. */
  slide: string;
  /** Columns x rows of the whole level where the header tells them, otherwise pixels of the file. */
  pixels: number;
}

const SLIDE_IMAGE = `${STORAGE}77.1.6`;

/** @param pixels of all frames of the file */
export function slideLevelOf(dataSet: DataSet, pixels: number): SlideLevel | undefined {
  const series = textOf(dataSet, 'x0020000e');
  if (textOf(dataSet, 'x00080016') !== SLIDE_IMAGE || series === undefined) return undefined;
  const [columns, rows] = [dataSet.uint32('x00480006'), dataSet.uint32('x00480007')];
  return {
    slide: `${series} ${textOf(dataSet, 'x00400512') ?? ''}`,
    pixels: columns !== undefined && rows !== undefined ? columns * rows : pixels,
  };
}
