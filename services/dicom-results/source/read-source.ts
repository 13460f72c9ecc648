import type { DataSet } from 'dicom-parser';
import { parseFile } from '../../imaging/dicom/data-set';
import { planeOf } from '../../imaging/dicom/geometry';
import { DICOM_LIMITS, text, type DicomLimits } from '../../imaging/dicom/header';
import { pixelSizeOf, type SpacingOrigin } from '../../imaging/dicom/pixel-spacing';
import { ResultError } from '../errors';
import type { SourceImage } from '../types';
import { carriedOf } from './carried';

const SLIDE = '1.2.840.10008.5.1.4.1.1.77.1.6';

function needed(dataSet: DataSet, tag: string, name: string): string {
  const value = text(dataSet, tag);
  if (value === undefined) throw new ResultError('SOURCE', `The DICOM image has no ${name}.`);
  return value;
}

/** PS3.5 9.1, as far as programs rely on it: UIDs become parts of names and requests. */
const UID = /^\d[\d.]{0,63}$/;

function neededUid(dataSet: DataSet, tag: string, name: string): string {
  const uid = needed(dataSet, tag, name);
  if (!UID.test(uid)) throw new ResultError('SOURCE', `The ${name} of the DICOM image is no valid UID.`);
  return uid;
}

function size(dataSet: DataSet, tag: string, name: string): number {
  const value = dataSet.elements[tag]?.length ? dataSet.uint16(tag) : undefined;
  if (!value) throw new ResultError('SOURCE', `The DICOM image has no ${name}.`);
  return value;
}

/** Where pixels were measured as large as in the patient: on a detector they are magnified. */
const IN_PATIENT: ReadonlySet<SpacingOrigin> = new Set(['patient', 'calibrated', 'ultrasound-region']);

/** Of all frames, where they agree. */
function spacingOf(dataSet: DataSet, frames: number): readonly [number, number] | undefined {
  const sizes = Array.from({ length: frames }, (_, frame) => pixelSizeOf(dataSet, frame));
  const [first] = sizes;
  if (!first || !IN_PATIENT.has(first.origin)) return undefined;
  const agree = sizes.every((size) => size?.rowMm === first.rowMm && size.columnMm === first.columnMm);
  return agree ? [first.rowMm, first.columnMm] : undefined;
}

function thicknessOf(dataSet: DataSet): number | undefined {
  const shared = dataSet.elements['x52009229']?.items?.[0]?.dataSet;
  const measures = shared?.elements['x00289110']?.items?.[0]?.dataSet;
  const thickness = Number(text(measures ?? dataSet, 'x00180050') ?? NaN);
  return thickness > 0 ? thickness : undefined;
}

/**
 * What results need of an image, from the beginning of its file: pixels need not follow.
 * @param bytes a Part 10 file, whole or up to its pixels
 * @throws DicomError for what is no DICOM; ResultError (SOURCE) for a header without what results must repeat, and for slides
 */
export function readSource(bytes: Uint8Array, limits: DicomLimits = DICOM_LIMITS): SourceImage {
  const { dataSet } = parseFile(bytes, { maxBytes: limits.maxBytes, headerOnly: true });
  const sopClassUid = neededUid(dataSet, 'x00080016', 'SOP Class UID');
  if (sopClassUid === SLIDE) throw new ResultError('SOURCE', 'Results on slides are not written.');
  const frames = dataSet.elements['x00280008']?.length ? (dataSet.intString('x00280008') ?? 0) : 1;
  if (!Number.isInteger(frames) || frames < 1 || frames > limits.maxFrames) {
    throw new ResultError('SOURCE', 'The DICOM image gives no valid number of frames.');
  }
  const frameOfReferenceUid = text(dataSet, 'x00200052');
  const placed = frameOfReferenceUid !== undefined;
  const planes = Array.from({ length: frames }, (_, frame) => (placed ? planeOf(dataSet, frame) : undefined));
  return {
    sopClassUid,
    sopInstanceUid: neededUid(dataSet, 'x00080018', 'SOP Instance UID'),
    studyUid: neededUid(dataSet, 'x0020000d', 'Study Instance UID'),
    seriesUid: neededUid(dataSet, 'x0020000e', 'Series Instance UID'),
    modality: needed(dataSet, 'x00080060', 'modality'),
    rows: size(dataSet, 'x00280010', 'rows'),
    columns: size(dataSet, 'x00280011', 'columns'),
    isColour: (dataSet.uint16('x00280002') ?? 1) > 1 || text(dataSet, 'x00280004') === 'PALETTE COLOR',
    planes,
    frameOfReferenceUid,
    spacing: spacingOf(dataSet, frames),
    sliceThickness: thicknessOf(dataSet),
    carried: carriedOf(dataSet),
  };
}
