// The encodings of DICOM files that are read (PS3.5 annex A).

import { DicomError } from './errors';

/** How compressed frames are decoded. */
export type Codec = 'rle' | 'jpeg' | 'jpeg-ls' | 'jpeg-2000';

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

const SYNTAXES: readonly TransferSyntax[] = [
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
];

const BY_UID = new Map(SYNTAXES.map((syntax) => [syntax.uid, syntax]));

/** @throws DicomError (TRANSFER_SYNTAX) for one that is not read */
export function transferSyntaxOf(uid: string): TransferSyntax {
  const syntax = BY_UID.get(uid);
  if (syntax) return syntax;
  // Only digits and dots: a file may hold anything there.
  const shown = /^[\d.]{1,64}$/.test(uid) ? uid : 'of no valid name';
  throw new DicomError('TRANSFER_SYNTAX', `The DICOM file has the transfer syntax ${shown}, which is not read.`);
}
