// Compressed frames: JPEG, JPEG-LS, JPEG 2000 and HTJ2K.

import { withDecoded } from '../../codecs/library';
import { readCodestream } from './codestream';
import { DicomError } from './errors';
import type { ImageFormat } from './header';
import { unboxed } from './jp2-file';
import type { StreamCodec } from './transfer-syntax';

export interface DecodedFrame {
  /** Little-endian samples of as many bits as the header allocates. */
  bytes: Uint8Array;
  /** Of the stream, which may use more bits than the header says. */
  precision: number;
  /** Whether the samples are luma and chroma, where the stream says it; it knows better than the header. */
  isYbr: boolean | undefined;
  /** Samples lie plane by plane: as the stream has them, whatever the header says. */
  planar: boolean;
  /** For each component its place among those of a pixel, or among the planes; absent: as they come. */
  order: readonly number[] | undefined;
}

/** Bits that the codecs give a sample: what its precision needs, whatever the header allocates. */
const codecBits = (precision: number): 8 | 16 | 32 => (precision <= 8 ? 8 : precision <= 16 ? 16 : 32);

/** Copies little-endian samples of `from` bits as such of as many as the header allocates. */
function copied(
  bytes: Uint8Array,
  from: 8 | 16 | 32,
  { bitsAllocated: to, signed }: ImageFormat,
  memory: (bytes: number) => ArrayBufferLike,
): Uint8Array {
  const size = from / 8;
  const length = to <= from ? bytes.length : (bytes.length / size) * (to / 8);
  const copy = Buffer.from(memory(length), 0, length);
  if (to <= from) copy.set(bytes);
  else {
    const narrow = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0, out = 0; at < bytes.length; at += size, out += to / 8) {
      if (signed) copy.writeIntLE(narrow.readIntLE(at, size), out, to / 8);
      else copy.writeUIntLE(narrow.readUIntLE(at, size), out, to / 8);
    }
  }
  return copy;
}

/**
 * Decodes one compressed frame. It runs on the calling thread.
 * @param memory gives what the samples are put into, from its beginning
 * @throws DicomError (PIXEL_DECODE) for a stream that is damaged or another picture than the header describes
 */
export async function decodeCompressed(
  fragments: Uint8Array,
  codec: StreamCodec,
  format: ImageFormat,
  memory: (bytes: number) => ArrayBufferLike,
): Promise<DecodedFrame> {
  const { width, height, samples, bitsAllocated } = format;
  const encoded = unboxed(fragments);
  const stream = readCodestream(encoded);
  // Signs that the header does not tell of would become the largest values. The other way round the bits are the same.
  const negative = stream.signed === true && !format.signed;
  if (stream.width !== width || stream.height !== height || stream.components !== samples || negative) {
    throw new DicomError('PIXEL_DECODE', 'The compressed pixels of the DICOM image contradict its header.');
  }
  if (stream.precision > bitsAllocated) {
    throw new DicomError('PIXEL_DECODE', 'The compressed pixels of the DICOM image have more bits than its header.');
  }
  if (stream.isCut) throw new DicomError('PIXEL_DECODE', 'The compressed pixels of the DICOM image are cut short.');
  const bits = codecBits(stream.precision);
  const expected = (width * height * samples * bits) / 8;
  const { precision, isYbr, planar = false, order } = stream;
  const { signed, photometric } = format;
  const picture = { width, height, samples, bits, precision, signed, photometric };
  return withDecoded(codec, encoded, picture, (decoded) => {
    if (decoded === 'too much memory') {
      throw new DicomError(
        'PIXEL_DECODE',
        'Decoding the DICOM image takes more memory than a picture of its size needs.',
      );
    }
    if (decoded === 'damaged' || decoded.length !== expected) {
      throw new DicomError('PIXEL_DECODE', 'The compressed pixels of the DICOM image are damaged.');
    }
    // The memory is the codec's.
    const bytes = copied(decoded, bits, format, memory);
    return { bytes, precision, isYbr, planar, order };
  });
}
