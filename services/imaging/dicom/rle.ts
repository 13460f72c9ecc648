// RLE Lossless (PS3.5 annex G): each byte of a sample, most significant first, is a segment of its own, coded as PackBits.

import { DicomError } from './errors';

const HEADER_BYTES = 64;
const MAX_SEGMENTS = 15;

export interface RleShape {
  pixels: number;
  samples: number;
  bytesPerSample: number;
}

function damaged(): DicomError {
  return new DicomError('PIXEL_DECODE', 'The RLE data of the DICOM image is damaged or cut short.');
}

/** Unpacks one segment into every `stride`-th byte of `out`, from `first` on. */
function unpack(segment: Uint8Array, out: Uint8Array, first: number, stride: number): void {
  let at = 0;
  let to = first;
  while (to < out.length) {
    const control = segment[at++];
    if (control === undefined) throw damaged();
    if (control === 128) continue;
    const count = control < 128 ? control + 1 : 257 - control;
    // A run may reach over the end of the frame: rows of odd length are padded.
    if (control < 128 && at + count > segment.length) throw damaged();
    const value = segment[at];
    if (value === undefined) throw damaged();
    for (let step = 0; step < count && to < out.length; step += 1, to += stride) {
      out[to] = control < 128 ? (segment[at + step] as number) : value;
    }
    at += control < 128 ? count : 1;
  }
}

/**
 * Decodes a frame to little-endian samples, interleaved.
 * @throws DicomError (PIXEL_DECODE)
 */
export function decodeRleFrame(encoded: Uint8Array, { pixels, samples, bytesPerSample }: RleShape): Uint8Array {
  if (encoded.length < HEADER_BYTES) throw damaged();
  const header = new DataView(encoded.buffer, encoded.byteOffset, HEADER_BYTES);
  const segments = header.getUint32(0, true);
  if (segments > MAX_SEGMENTS || segments !== samples * bytesPerSample) {
    throw new DicomError('PIXEL_DECODE', 'The RLE data of the DICOM image does not have the segments that it needs.');
  }
  const offsets = Array.from({ length: segments }, (_, index) => header.getUint32(4 + index * 4, true));
  const stride = samples * bytesPerSample;
  const out = new Uint8Array(pixels * stride);
  offsets.forEach((offset, index) => {
    const end = offsets[index + 1] ?? encoded.length;
    if (offset < HEADER_BYTES || end < offset || end > encoded.length) throw damaged();
    const sample = Math.floor(index / bytesPerSample);
    const significance = bytesPerSample - 1 - (index % bytesPerSample);
    unpack(encoded.subarray(offset, end), out, sample * bytesPerSample + significance, stride);
  });
  return out;
}
