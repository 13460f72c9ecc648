// A DICOM file as its elements: Part 10 files, and bare data sets as old archives keep them.

import { constants, inflateRawSync } from 'node:zlib';
import * as parser from 'dicom-parser';
import {
  bigEndianByteArrayParser,
  ByteStream,
  findEndOfEncapsulatedElement,
  littleEndianByteArrayParser,
  parseDicomDataSetExplicit,
  parseDicomDataSetImplicit,
  readPart10Header,
  type ByteArrayParser,
  type DataSet,
  type Element,
} from 'dicom-parser';
import { DicomError } from './errors';
import { isNoImage } from './object-kind';
import {
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  transferSyntaxOf,
  type TransferSyntax,
} from './transfer-syntax';

export const PIXEL_DATA = 'x7fe00010';
export const FLOAT_PIXELS = 'x7fe00008';
export const DOUBLE_PIXELS = 'x7fe00009';

/** Where Part 10 has its prefix, after the preamble. */
const PREFIX_AT = 128;
const PREFIX = 'DICM';
/** An element's tag, VR or length, and length. */
const ELEMENT_BYTES = 8;
/** The first element of a bare data set is one of the first of group 0008; its value is short. */
const FIRST_ELEMENT = 0x20;
const FIRST_LENGTH = 256;

export interface ParsedFile {
  dataSet: DataSet;
  syntax: TransferSyntax;
}

/** The pixels of an object that has some, whole numbers or floating-point ones. @throws DicomError (NO_PIXELS) */
export function pixelElement({ elements }: DataSet): Element {
  const element = elements[PIXEL_DATA] ?? elements[FLOAT_PIXELS] ?? elements[DOUBLE_PIXELS];
  if (!element) throw new DicomError('NO_PIXELS', 'The DICOM file holds no pixels.');
  return element;
}

function hasPrefix(bytes: Uint8Array, at = PREFIX_AT): boolean {
  const prefix = bytes.subarray(at, at + PREFIX.length);
  return Buffer.from(prefix.buffer, prefix.byteOffset, prefix.length).toString('latin1') === PREFIX;
}

/** True for file meta information (group 0002, explicit VR) that nothing stands before. */
function beginsWithMeta(bytes: Uint8Array): boolean {
  if (bytes.length < ELEMENT_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, ELEMENT_BYTES);
  const vr = String.fromCharCode(view.getUint8(4), view.getUint8(5));
  return view.getUint16(0, true) === 0x0002 && view.getUint16(2, true) <= FIRST_ELEMENT && /^[A-Z]{2}$/.test(vr);
}

/** A Part 10 file with the preamble and the prefix that it lacks; other files as they are. */
function withPreamble(bytes: Uint8Array): Uint8Array {
  if (hasPrefix(bytes)) return bytes;
  if (hasPrefix(bytes, 0)) return Buffer.concat([Buffer.alloc(PREFIX_AT), bytes]);
  return beginsWithMeta(bytes) ? Buffer.concat([Buffer.alloc(PREFIX_AT), Buffer.from(PREFIX), bytes]) : bytes;
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

/** True for DICOM by content: a Part 10 file, or one without preamble, or a data set without file meta information. */
export function isDicom(bytes: Uint8Array): boolean {
  return hasPrefix(bytes) || hasPrefix(bytes, 0) || beginsWithMeta(bytes) || bareSyntax(bytes) !== undefined;
}

interface ParseOptions {
  maxBytes: number;
  headerOnly?: boolean;
}

/** Inflates what follows `position`; a file may not become larger than `maxBytes`, nor end early when it is read whole. */
function inflated(bytes: Uint8Array, position: number, { maxBytes, headerOnly }: ParseOptions): Buffer {
  const rest = inflateRawSync(bytes.subarray(position), {
    maxOutputLength: maxBytes,
    ...(headerOnly ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
  });
  return Buffer.concat([bytes.subarray(0, position), rest]);
}

/** The library's types lack its class of data sets, and where the file meta information ends. */
const { DataSet: Elements } = parser as unknown as {
  DataSet: new (byteArrayParser: ByteArrayParser, bytes: Uint8Array, elements: Record<string, Element>) => DataSet;
};
type Meta = DataSet & { position: number };

/** Value representations whose length takes 32 bits (PS3.5, 7.1.2), and which the library takes to have one of 16. */
const UNKNOWN_TO_LIBRARY = new Set(['OV', 'SV', 'UV']);

/** A stream of which the library reads those as OB, nested ones, too: their values are not needed, but what follows them is. */
function streamOf(byteArrayParser: ByteArrayParser, bytes: Uint8Array, position: number): ByteStream {
  const stream = new ByteStream(byteArrayParser, bytes, position);
  const read = stream.readFixedString.bind(stream);
  stream.readFixedString = (length) => {
    const vr = read(length);
    return UNKNOWN_TO_LIBRARY.has(vr) ? 'OB' : vr;
  };
  return stream;
}

/** Group and element of the tag that begins an item. */
const ITEM = [0xfffe, 0xe000];
const ITEM_BYTES = 8;

/** Whether the value at a position is that of an item. */
function isItem({ byteArrayParser, byteArray }: ByteStream, position: number): boolean {
  const tag = [position - ITEM_BYTES, position - ITEM_BYTES + 2].map((at) => byteArrayParser.readUint16(byteArray, at));
  return tag.every((half, at) => half === ITEM[at]);
}

/**
 * Finds the fragments of compressed pixels, whose header the parser read last. Where they end without a delimiter, by the end of
 * the file or what follows, those that were found are all.
 */
function findFragments(pixels: Element, stream: ByteStream): void {
  try {
    findEndOfEncapsulatedElement(stream, pixels);
  } catch (error) {
    if (!pixels.fragments?.length) throw error;
  }
  // What the library takes for a fragment although it is no item lies behind the last one.
  const fragments = (pixels.fragments ?? []).filter(({ position }) => isItem(stream, position));
  if (fragments.some(({ position, length }) => position + length > stream.byteArray.length)) {
    throw new Error('cut short');
  }
  pixels.fragments = fragments;
}

/** Whether the first element of a data set has no VR, whatever the transfer syntax says: some writers compress what they call
 * explicit and wrote without. */
function isImplicit(bytes: Uint8Array, position: number): boolean {
  return bareSyntax(bytes.subarray(position)) === IMPLICIT_LITTLE_ENDIAN;
}

/** @param bare transfer syntax of a data set without file meta information */
function parsed(bytes: Uint8Array, bare: string | undefined, options: ParseOptions): ParsedFile {
  const meta = bare === undefined ? (readPart10Header(bytes) as Meta) : undefined;
  const syntax = transferSyntaxOf(bare ?? meta?.string('x00020010') ?? '');
  const from = meta?.position ?? 0;
  const whole = syntax.deflated ? inflated(bytes, from, options) : bytes;
  const order = syntax.bigEndian ? bigEndianByteArrayParser : littleEndianByteArrayParser;
  const dataSet = new Elements(order, whole, { ...meta?.elements });
  const implicit = syntax.uid === IMPLICIT_LITTLE_ENDIAN || (!syntax.bigEndian && isImplicit(whole, from));
  const parse = implicit ? parseDicomDataSetImplicit : parseDicomDataSetExplicit;
  const stream = streamOf(order, whole, from);
  // What follows the pixels is needed for nothing, and may be anything, such as zeros up to the end of a block.
  try {
    parse(dataSet, stream, whole.length, { untilTag: PIXEL_DATA });
  } catch (error) {
    // Of what is no image the kind is all that matters.
    if (!isNoImage(dataSet)) throw error;
  }
  const pixels = dataSet.elements[PIXEL_DATA];
  if (pixels?.hadUndefinedLength && !options.headerOnly) findFragments(pixels, stream);
  return { dataSet, syntax };
}

const TOO_LARGE = new Set(['ERR_BUFFER_TOO_LARGE']);

/**
 * Parses a file into elements that point into its bytes.
 * @param options `headerOnly` stops before the pixels, so that the beginning of a file is enough
 * @throws DicomError
 */
export function parseFile(file: Uint8Array, options: ParseOptions): ParsedFile {
  const { maxBytes } = options;
  if (file.length > maxBytes) {
    throw new DicomError('TOO_LARGE', `The DICOM file has ${file.length} bytes; at most ${maxBytes} are accepted.`);
  }
  const bytes = withPreamble(file);
  const bare = hasPrefix(bytes) ? undefined : bareSyntax(bytes);
  if (bare === undefined && !hasPrefix(bytes)) throw new DicomError('NOT_DICOM', 'This is no DICOM file.');
  try {
    return parsed(bytes, bare, options);
  } catch (error) {
    if (error instanceof DicomError) throw error;
    // What the parser throws holds elements of the file: nothing of it goes into the error.
    throw TOO_LARGE.has((error as { code?: string }).code ?? '')
      ? new DicomError('TOO_LARGE', `The DICOM file inflates to more than ${maxBytes} bytes.`)
      : new DicomError('TRUNCATED', 'The DICOM file is damaged or cut short.');
  }
}

/** Data sets of a sequence's items; none where the sequence is absent. */
export const itemsOf = (dataSet: DataSet | undefined, tag: string): DataSet[] =>
  (dataSet?.elements[tag]?.items ?? []).flatMap((item) => item.dataSet ?? []);
