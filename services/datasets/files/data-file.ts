import { stat } from 'node:fs/promises';
import { automedError } from '../../common/errors';
import { decodedBytes, DEFAULT_LIMITS } from '../../imaging/decode';
import { dicomPool, frameBytes, readDicomHeader, type DisplayDepth, type SourceFrame } from '../../imaging/dicom';
import type { Pixels } from '../../imaging/pixels/pixels';
import { readImage } from '../../imaging/read-image';

/** Of a file whose header tells nothing, e.g. BMP of 8 bits that becomes RGB. */
const BYTES_PER_FILE_BYTE = 3;
const READ = { limits: DEFAULT_LIMITS, also: ['BMP', 'DICOM'] } as const;

/**
 * Decodes a file of a data set: what the services take, and BMP.
 * @param bytes given away: of DICOM files they are empty afterwards
 * @param frame of a DICOM image, from 0; absent: the only one
 * @param depth of a DICOM image's levels, bits; default: 8
 */
export async function decodeDataFile(bytes: Buffer, frame?: number, depth?: DisplayDepth): Promise<Pixels> {
  const { pixels } = await readImage(bytes, { ...READ, frame, depth });
  refuseNotFinite(pixels);
  return pixels;
}

/** Training would refuse it without its name. */
function refuseNotFinite({ data, width, channels, sampleType }: Pixels): void {
  if (sampleType !== 'float32') return;
  const samples = new Float32Array(data.buffer, data.byteOffset, data.byteLength / Float32Array.BYTES_PER_ELEMENT);
  const index = samples.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  const pixel = Math.floor(index / channels);
  const text = `The image holds ${samples[index]} at column ${pixel % width}, row ${Math.floor(pixel / width)}; every value must be finite.`;
  throw automedError('UNSUPPORTED_IMAGE', text, { field: 'image' });
}

/**
 * Decodes the stored values of a DICOM image, as masks need them: its display may be of any contrast. With how they were
 * encoded.
 * @param bytes given away
 */
export function decodeStoredDicom(bytes: Buffer): ReturnType<typeof dicomPool.stored> {
  return dicomPool.stored(bytes);
}

/**
 * Decodes what a DICOM segmentation shows of one picture, in white.
 * @param bytes given away
 */
export async function decodeSegmentation(bytes: Buffer, drawnOn: SourceFrame): Promise<Pixels> {
  return dicomPool.segmentation(bytes, drawnOn);
}

/** Bytes that decoding a file will hold, from its header; an estimate where that tells nothing. */
export async function decodingBytes(path: string): Promise<number> {
  const known = await decodedBytes(path);
  if (known !== undefined) return known;
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  return readDicomHeader(path).then(
    (header) => size + frameBytes(header),
    () => size * BYTES_PER_FILE_BYTE,
  );
}
