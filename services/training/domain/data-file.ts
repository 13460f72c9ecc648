import { decodeBmp, isBmp } from '../../imaging/bmp';
import { decodeImage, DEFAULT_LIMITS } from '../../imaging/decode';
import type { Pixels } from '../../imaging/pixels';

/** Decodes a file of a data set: what the services take, and BMP. */
export async function decodeDataFile(bytes: Buffer): Promise<Pixels> {
  return isBmp(bytes) ? decodeBmp(bytes, DEFAULT_LIMITS) : decodeImage(bytes);
}
