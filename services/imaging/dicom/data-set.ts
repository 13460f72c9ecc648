// A DICOM file as its elements: Part 10 files, and bare data sets as old archives keep them.

import { constants, inflateRawSync } from 'node:zlib';
import { parseDicom, type DataSet } from 'dicom-parser';
import { DicomError } from './errors';
import {
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  transferSyntaxOf,
  type TransferSyntax,
} from './transfer-syntax';

export const PIXEL_DATA = 'x7fe00010';

/** Where Part 10 has its prefix, after the preamble. */
const PREFIX_AT = 128;
/** An element's tag, VR or length, and length. */
const ELEMENT_BYTES = 8;
/** The first element of a bare data set is one of the first of group 0008; its value is short. */
const FIRST_ELEMENT = 0x20;
const FIRST_LENGTH = 256;

export interface ParsedFile {
  dataSet: DataSet;
  syntax: TransferSyntax;
}

function hasPrefix(bytes: Uint8Array): boolean {
  const prefix = bytes.subarray(PREFIX_AT, PREFIX_AT + 4);
  return Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length).toString('latin1') === 'DICM';
}

/** The transfer syntax that a data set without file meta information must have, by its first element. */
function bareSyntax(bytes: Uint8Array): string | undefined {
  if (bytes.length < ELEMENT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, ELEMENT_BYTES);
  if (view.getUint16(0, true) !== 0x0008 || view.getUint16(2, true) > FIRST_ELEMENT) return undefined;
  const vr = String.fromCharCode(view.getUint8(4), view.getUint8(5));
  if (/^[A-Z]{2}$/.test(vr)) return EXPLICIT_LITTLE_ENDIAN;
  return view.getUint32(4, true) <= FIRST_LENGTH ? IMPLICIT_LITTLE_ENDIAN : undefined;
}

/** True for DICOM by content: a Part 10 file, or a data set without preamble and file meta information. */
export function isDicom(bytes: Uint8Array): boolean {
  return hasPrefix(bytes) || bareSyntax(bytes) !== undefined;
}

/** Inflates what follows `position`; a file may not become larger than `maxBytes`, nor end early unless `partial`. */
function inflater(maxBytes: number, partial: boolean): (bytes: Uint8Array, position: number) => Buffer {
  return (bytes, position) => {
    const inflated = inflateRawSync(bytes.subarray(position), {
      maxOutputLength: maxBytes,
      ...(partial ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
    });
    return Buffer.concat([bytes.subarray(0, position), inflated]);
  };
}

const TOO_LARGE = new Set(['ERR_BUFFER_TOO_LARGE']);

/**
 * Parses a file into elements that point into its bytes.
 * @param headerOnly stops before the pixels, so that the beginning of a file is enough
 * @throws DicomError
 */
export function parseFile(
  bytes: Uint8Array,
  { maxBytes, headerOnly = false }: { maxBytes: number; headerOnly?: boolean },
): ParsedFile {
  if (bytes.length > maxBytes) {
    throw new DicomError('TOO_LARGE', `The DICOM file has ${bytes.length} bytes; at most ${maxBytes} are accepted.`);
  }
  const bare = hasPrefix(bytes) ? undefined : bareSyntax(bytes);
  if (bare === undefined && !hasPrefix(bytes)) throw new DicomError('NOT_DICOM', 'This is no DICOM file.');
  try {
    const dataSet = parseDicom(bytes, {
      ...(bare === undefined ? {} : { TransferSyntaxUID: bare }),
      ...(headerOnly ? { untilTag: PIXEL_DATA } : {}),
      inflater: inflater(maxBytes, headerOnly),
    });
    return { dataSet, syntax: transferSyntaxOf(bare ?? dataSet.string('x00020010') ?? '') };
  } catch (error) {
    if (error instanceof DicomError) throw error;
    // What the parser throws holds elements of the file: nothing of it goes into the error.
    throw TOO_LARGE.has((error as { code?: string }).code ?? '')
      ? new DicomError('TOO_LARGE', `The DICOM file inflates to more than ${maxBytes} bytes.`)
      : new DicomError('TRUNCATED', 'The DICOM file is damaged or cut short.');
  }
}
