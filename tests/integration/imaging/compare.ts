// Frames of DICOM files beside what other decoders made of them: reference.py writes those.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DICOM_LIMITS, DicomError } from '../../../services/imaging/dicom';
import { parseFile } from '../../../services/imaging/dicom/data-set';
import { formatOf } from '../../../services/imaging/dicom/header';
import { storedFrame, type Values } from '../../../services/imaging/dicom/stored-values';

/** A line of reference.py. */
export interface Reference {
  file: string;
  decoder?: string;
  shape?: number[];
  dtype?: string;
  raw?: string;
  /** Why nobody could decode it. */
  why?: string;
}

export interface Verdict {
  file: string;
  decoder: string;
  syntax: string;
  frames: number;
  /** What it is decoded to beside the reference: the same values, others, or nothing. */
  outcome: 'equal' | 'differs' | 'refused';
  /** Largest difference of a value; of one that is refused the defect. */
  detail: string;
}

function referenceValues(folder: string, { raw = '', dtype }: Reference): ArrayLike<number> {
  const { buffer } = new Uint8Array(readFileSync(join(folder, raw)));
  switch (dtype) {
    case 'uint8':
      return new Uint8Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    case 'uint16':
      return new Uint16Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'uint32':
      return new Uint32Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    default:
      throw new Error(`values of ${dtype ?? 'no type'} are not compared`);
  }
}

/** Largest difference between frames of ours and a part of the reference. */
function difference(ours: Values, theirs: ArrayLike<number>, from: number): number {
  let most = 0;
  for (let at = 0; at < ours.length; at += 1) {
    const off = Math.abs((ours[at] ?? NaN) - (theirs[from + at] ?? NaN));
    if (!(off <= most)) most = off;
  }
  return most;
}

/** Frame by frame; doses and the like are decoded, too, which elsewhere are refused as no pictures. */
export async function compare(source: string, folder: string, reference: Reference): Promise<Verdict> {
  const { file, decoder = 'none' } = reference;
  const verdict = { file, decoder, syntax: '', frames: 0 };
  try {
    const parsed = parseFile(readFileSync(join(source, file)), DICOM_LIMITS);
    verdict.syntax = parsed.syntax.name;
    const format = formatOf(parsed.dataSet, DICOM_LIMITS);
    const theirs = reference.raw === undefined ? [] : referenceValues(folder, reference);
    let [most, at] = [0, 0];
    for (let frame = 0; frame < format.frames; frame += 1) {
      const { values } = await storedFrame(parsed, format, frame);
      most = Math.max(most, difference(values, theirs, at));
      at += values.length;
      verdict.frames += 1;
    }
    const same = most === 0 && at === theirs.length;
    return { ...verdict, outcome: same ? 'equal' : 'differs', detail: at === theirs.length ? `${most}` : 'size' };
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return { ...verdict, outcome: 'refused', detail: error.defect };
  }
}
