// What the header of a received object says: which study and series it belongs to, and what rules look at.

import type { DataSet, Element } from 'dicom-parser';
import { DicomError } from '../../imaging/dicom';
import { decodedText } from '../../imaging/dicom/character-set';
import { parseFile, PIXEL_DATA } from '../../imaging/dicom/data-set';

/** Texts may identify patients: they are stored, and never logged. */
export interface InstanceHeader {
  sopClass: string;
  sopInstance: string;
  transferSyntax: string;
  study: string;
  series: string;
  /** Patient ID and its issuer; empty where the header has none. */
  patient: string;
  modality: string;
  bodyPart: string;
  seriesDescription: string;
  imageType: string[];
  /** 0 for an object without pixels. */
  rows: number;
  columns: number;
  frames: number;
  /** Direction cosines along a row and down a column; absent without Image Orientation (Patient). */
  orientation: number[] | undefined;
  /** Absent where there are none, and where the data set is deflated. Not journalled. */
  pixels?: PixelPlace | undefined;
}

/** Where the pixels of a file lie. */
export interface PixelPlace {
  /** Of the value, or of the first item. */
  offset: number;
  /** Undefined for encapsulated pixels, which end with a delimiter. */
  length: number | undefined;
}

/** Why an object cannot be kept, as the sender is told. */
export type HeaderProblem = 'unreadable' | 'no-uids' | 'other-instance' | 'not-supported' | 'bomb';

/** Thrown for an object that is refused; the message holds no value of the header. */
export class RefusedObject extends Error {
  constructor(
    readonly problem: HeaderProblem,
    message: string,
  ) {
    super(message);
    this.name = 'RefusedObject';
  }
}

/** Of what a deflated header inflates to, bytes. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;
/** Digits and dots, no empty component (PS3.5, 9.1); leading zeros occur and harm nothing. */
const UID = /^\d+(\.\d+)*$/;
const MAX_UID = 64;

function uid(dataSet: DataSet, tag: string, name: string): string {
  const value = dataSet.string(tag)?.trim() ?? '';
  if (value === '') throw new RefusedObject('no-uids', `The object has no ${name}.`);
  if (value.length > MAX_UID || !UID.test(value)) throw new RefusedObject('no-uids', `The object's ${name} is no UID.`);
  return value;
}

const word = (dataSet: DataSet, tag: string): string => dataSet.string(tag)?.trim() ?? '';

function numbers(dataSet: DataSet, tag: string, count: number): number[] | undefined {
  const values = word(dataSet, tag).split('\\').map(Number);
  return values.length === count && values.every(Number.isFinite) ? values : undefined;
}

/** Of enhanced objects the orientation that all frames share. */
function orientationOf(dataSet: DataSet): number[] | undefined {
  const shared = dataSet.elements['x52009229']?.items?.[0]?.dataSet;
  const plane = shared?.elements['x00209116']?.items?.[0]?.dataSet;
  return numbers(dataSet, 'x00200037', 6) ?? (plane && numbers(plane, 'x00200037', 6));
}

function countOf(dataSet: DataSet, tag: string, least: number): number {
  const value = dataSet.elements[tag]?.length ? (dataSet.intString(tag) ?? least) : least;
  return Number.isInteger(value) && value >= least ? value : least;
}

function placeOf(pixels: Element | undefined): PixelPlace | undefined {
  if (!pixels) return undefined;
  const { dataOffset: offset, length, hadUndefinedLength } = pixels;
  return { offset, length: hadUndefinedLength ? undefined : length };
}

/**
 * Reads the header from the beginning of a Part 10 file, or all of it.
 * @throws RefusedObject
 */
export function readInstanceHeader(head: Uint8Array): InstanceHeader {
  try {
    const { dataSet, syntax } = parseFile(head, { maxBytes: MAX_HEADER_BYTES, headerOnly: true });
    return {
      sopClass: uid(dataSet, 'x00080016', 'SOP Class UID'),
      sopInstance: uid(dataSet, 'x00080018', 'SOP Instance UID'),
      transferSyntax: syntax.uid,
      study: uid(dataSet, 'x0020000d', 'Study Instance UID'),
      series: uid(dataSet, 'x0020000e', 'Series Instance UID'),
      patient: [decodedText(dataSet, 'x00100020') ?? '', word(dataSet, 'x00100021')].join('\\'),
      modality: word(dataSet, 'x00080060'),
      bodyPart: word(dataSet, 'x00180015'),
      seriesDescription: decodedText(dataSet, 'x0008103e') ?? '',
      imageType: word(dataSet, 'x00080008').split('\\'),
      rows: dataSet.uint16('x00280010') ?? 0,
      columns: dataSet.uint16('x00280011') ?? 0,
      frames: countOf(dataSet, 'x00280008', 1),
      orientation: orientationOf(dataSet),
      pixels: syntax.deflated ? undefined : placeOf(dataSet.elements[PIXEL_DATA]),
    };
  } catch (error) {
    if (error instanceof RefusedObject) throw error;
    if (error instanceof DicomError && error.defect === 'TOO_LARGE') throw new RefusedObject('bomb', error.message);
    // The message names the transfer syntax, and holds nothing else of the file.
    if (error instanceof DicomError && error.defect === 'TRANSFER_SYNTAX') {
      throw new RefusedObject('not-supported', error.message);
    }
    // Errors of parsers hold values of the header.
    throw new RefusedObject('unreadable', 'The header of the object cannot be read.');
  }
}

/** What a sender said of an object before or beside it. */
export interface Announced {
  sopClass?: string | undefined;
  sopInstance?: string | undefined;
  study?: string | undefined;
  /** Whether its file may have been cut short: it is refused then. */
  mayBeCut?: boolean;
}

/** @throws RefusedObject unless the header is that of the object which the sender announced */
export function requireAnnounced(header: InstanceHeader, announced: Announced): void {
  const { sopClass = header.sopClass, sopInstance = header.sopInstance, study = header.study } = announced;
  if (header.sopClass !== sopClass || header.sopInstance !== sopInstance) {
    throw new RefusedObject('other-instance', 'The data set is of another SOP class or instance than was announced.');
  }
  if (header.study !== study) {
    throw new RefusedObject('other-instance', 'The object is of another study than was announced.');
  }
}
