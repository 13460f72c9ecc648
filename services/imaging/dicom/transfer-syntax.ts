// The encodings of DICOM files that are read (PS3.5 annex A).

import type { StreamKind } from '../../codecs/codec';
import { DicomError } from './errors';

/** How compressed frames are decoded. */
export type Codec = 'rle' | StreamCodec | FrameWrapping;
/** Streams that a decoder reads. */
export type StreamCodec = StreamKind;
/** Frames that lie one by one as fragments, with the bytes of uncompressed ones: as they are, or deflated (PS3.5, A.4.11 and A.4.13). */
export type FrameWrapping = 'bare' | 'deflate';

export interface TransferSyntax {
  uid: string;
  name: string;
  bigEndian?: boolean;
  deflated?: boolean;
  /** What was one value may differ a little from pixel to pixel after decoding. */
  lossy?: boolean;
  /** Every bit of a sample is what it was before compression. */
  lossless?: boolean;
  /** Of encapsulated frames; absent: the pixels are not compressed. */
  codec?: Codec;
}

export const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const DEFLATED_LITTLE_ENDIAN = '1.2.840.10008.1.2.1.99';

/** All that are read. */
export const SYNTAXES: readonly TransferSyntax[] = [
  { uid: IMPLICIT_LITTLE_ENDIAN, name: 'Implicit VR Little Endian' },
  { uid: EXPLICIT_LITTLE_ENDIAN, name: 'Explicit VR Little Endian' },
  { uid: DEFLATED_LITTLE_ENDIAN, name: 'Deflated Explicit VR Little Endian', deflated: true },
  { uid: '1.2.840.10008.1.2.2', name: 'Explicit VR Big Endian', bigEndian: true },
  { uid: '1.2.840.10008.1.2.5', name: 'RLE Lossless', codec: 'rle' },
  { uid: '1.2.840.10008.1.2.4.50', name: 'JPEG Baseline', codec: 'jpeg', lossy: true },
  { uid: '1.2.840.10008.1.2.4.51', name: 'JPEG Extended', codec: 'jpeg', lossy: true },
  { uid: '1.2.840.10008.1.2.4.57', name: 'JPEG Lossless', codec: 'jpeg', lossless: true },
  { uid: '1.2.840.10008.1.2.4.70', name: 'JPEG Lossless, first-order prediction', codec: 'jpeg', lossless: true },
  { uid: '1.2.840.10008.1.2.4.80', name: 'JPEG-LS Lossless', codec: 'jpeg-ls', lossless: true },
  { uid: '1.2.840.10008.1.2.4.81', name: 'JPEG-LS Near-Lossless', codec: 'jpeg-ls' },
  { uid: '1.2.840.10008.1.2.4.90', name: 'JPEG 2000 Lossless', codec: 'jpeg-2000', lossless: true },
  { uid: '1.2.840.10008.1.2.4.91', name: 'JPEG 2000', codec: 'jpeg-2000' },
  { uid: '1.2.840.10008.1.2.4.201', name: 'High-Throughput JPEG 2000 Lossless', codec: 'htj2k', lossless: true },
  { uid: '1.2.840.10008.1.2.4.202', name: 'High-Throughput JPEG 2000 RPCL Lossless', codec: 'htj2k', lossless: true },
  { uid: '1.2.840.10008.1.2.4.203', name: 'High-Throughput JPEG 2000', codec: 'htj2k' },
  { uid: '1.2.840.10008.1.2.4.98', name: 'Encapsulated Uncompressed', codec: 'bare' },
  { uid: '1.2.840.10008.1.2.8.1', name: 'Deflated Image Frame', codec: 'deflate' },
];

/** UIDs of all that are read. */
export const READ_SYNTAXES: readonly string[] = SYNTAXES.map(({ uid }) => uid);

/** Those that are known and not read, by what follows 1.2.840.10008.1.2. */
const UNREAD: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^4\.(5[2-6]|5[89]|6[0-6])$/, 'JPEG of a retired process'],
  [/^4\.9[23]$/, 'JPEG 2000 part 2'],
  [/^4\.(9[45]|20[45])$/, 'JPIP, which holds no pixels but where they are'],
  [/^4\.10[01](\.1)?$/, 'MPEG2 video'],
  [/^4\.10[2-6](\.1)?$/, 'MPEG-4 AVC (H.264) video'],
  [/^4\.10[78]$/, 'HEVC (H.265) video'],
  [/^4\.11[0-2]$/, 'JPEG XL'],
  [/^6\.[12]$/, 'MIME or XML encapsulation'],
  [/^7\.[1-3]$/, 'SMPTE ST 2110 video'],
];

const ROOT = '1.2.840.10008.1.2.';

const BY_UID = new Map(SYNTAXES.map((syntax) => [syntax.uid, syntax]));

/** @throws DicomError (TRANSFER_SYNTAX) for one that is not read */
export function transferSyntaxOf(uid: string): TransferSyntax {
  const syntax = BY_UID.get(uid);
  if (syntax) return syntax;
  // Only digits and dots: a file may hold anything there.
  const shown = /^[\d.]{1,64}$/.test(uid) ? uid : 'of no valid name';
  const rest = uid.startsWith(ROOT) ? uid.slice(ROOT.length) : '';
  const name = UNREAD.find(([pattern]) => pattern.test(rest))?.[1];
  const named = name === undefined ? shown : `${shown} (${name})`;
  throw new DicomError('TRANSFER_SYNTAX', `The DICOM file has the transfer syntax ${named}, which is not read.`);
}

/** Whether objects in a transfer syntax are read. */
export function isReadSyntax(uid: string): boolean {
  return BY_UID.has(uid);
}
