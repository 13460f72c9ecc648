import { isDicom } from './dicom/data-set';

/** Encodings that are decoded. */
export type ImageFormat = 'PNG' | 'JPEG' | 'TIFF' | 'WebP';

const FOREIGN: [string, (bytes: Buffer) => boolean][] = [
  ['GIF', (bytes) => ascii(bytes, 0, 'GIF8')],
  ['BMP', (bytes) => ascii(bytes, 0, 'BM')],
  ['PDF', (bytes) => ascii(bytes, 0, '%PDF')],
  ['DICOM', isDicom],
  ['CMS (encrypted or signed DICOM, PS3.10 7.4)', isCms],
  ['HEIF or AVIF', (bytes) => ascii(bytes, 4, 'ftyp')],
  ['JPEG 2000', (bytes) => ascii(bytes, 4, 'jP  ')],
  ['ZIP', (bytes) => ascii(bytes, 0, 'PK\u0003\u0004')],
  ['XML or SVG', (bytes) => ascii(bytes, 0, '<')],
];

/** Content types signedData and envelopedData of CMS (RFC 5652): 1.2.840.113549.1.7.2 and .3. */
const CMS_TYPES = ['2', '3'].map((last) => Buffer.from(`06092a864886f70d01070${last}`, 'hex'));

/** A SEQUENCE that begins with a content type of CMS, in which secure DICOM files are wrapped (PS3.15 annex D). */
function isCms(bytes: Buffer): boolean {
  const beginning = bytes.subarray(0, 24);
  return bytes[0] === 0x30 && CMS_TYPES.some((type) => beginning.includes(type));
}

function ascii(bytes: Buffer, offset: number, text: string): boolean {
  return bytes.subarray(offset, offset + text.length).toString('latin1') === text;
}

/** Tells the encoding by content; a file's name is never asked. */
export function sniffFormat(bytes: Buffer): ImageFormat | undefined {
  if (ascii(bytes, 0, '\u0089PNG\r\n\u001a\n')) return 'PNG';
  if (ascii(bytes, 0, '\u00ff\u00d8\u00ff')) return 'JPEG';
  if (ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'WEBP')) return 'WebP';
  const classic = ['II*\u0000', 'MM\u0000*', 'II+\u0000', 'MM\u0000+'];
  return classic.some((magic) => ascii(bytes, 0, magic)) ? 'TIFF' : undefined;
}

/** Names a known encoding that is not decoded, for the error message. */
export function foreignFormat(bytes: Buffer): string | undefined {
  return FOREIGN.find(([, matches]) => matches(bytes))?.[0];
}

/** True for an animated PNG: an acTL chunk stands before the first image data. libpng would show its first frame. */
export function isAnimatedPng(bytes: Buffer): boolean {
  let offset = 8;
  while (offset + 8 <= bytes.length) {
    const type = bytes.toString('latin1', offset + 4, offset + 8);
    if (type === 'acTL') return true;
    if (type === 'IDAT' || type === 'IEND') return false;
    offset += 12 + bytes.readUInt32BE(offset); // length, type, data, checksum
  }
  return false;
}

const EXTENSIONS = { PNG: 'png', JPEG: 'jpg', TIFF: 'tif', WebP: 'webp' } as const satisfies Record<
  ImageFormat,
  string
>;

/** What a file of these bytes is called after the dot; `dcm` where it is none of ImageFormat. */
export function extensionOf(bytes: Buffer): string {
  const format = sniffFormat(bytes);
  if (format) return EXTENSIONS[format];
  return ascii(bytes, 0, 'BM') ? 'bmp' : 'dcm';
}
