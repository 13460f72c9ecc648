// Label images of 32-bit integers, as ImageJ, ITK and Python write them. As pictures they are not read: what would be their
// range? As masks their values count one by one, and all of them are exact in a double.

import sharp from 'sharp';
import { automedError } from '../../common/errors';
import { sniffFormat } from '../../imaging/formats';
import { DEFAULT_LIMITS } from '../../imaging/decode';
import { fullPages, readTiffPages, unreadFeature } from '../../imaging/tiff';
import type { StoredMask } from './stored-values';

const [UNSIGNED, SIGNED] = [1, 2];
/** Where all values fit into a smaller type, that one's largest value is the foreground of a mask of it. */
const LARGEST = [255, 65535];

/** TIFF 6.0, PhotometricInterpretation: 0 is black. */
const BLACK_IS_ZERO = 1;

/** The page of a TIFF that is its one image, grey and of 32-bit integers; undefined in any other file. */
function widePage(bytes: Buffer): number | undefined {
  if (sniffFormat(bytes) !== 'TIFF') return undefined;
  const pages = readTiffPages(bytes) ?? [];
  const [index = 0, ...more] = fullPages(pages);
  const page = pages[index];
  if (page === undefined || more.length > 0 || page.bits !== 32 || page.channels !== 1) return undefined;
  if (page.photometric !== BLACK_IS_ZERO || ![UNSIGNED, SIGNED].includes(page.sampleFormat)) return undefined;
  // Whatever else is not read of a TIFF is named where pictures are decoded.
  return unreadFeature({ ...page, bits: 8, sampleFormat: UNSIGNED }) === undefined ? index : undefined;
}

/**
 * Reads such a file; undefined for any other.
 * @throws InvalidInputError (UNSUPPORTED_IMAGE) for too many pixels, or a damaged file
 */
export async function decodeWideMask(bytes: Buffer): Promise<StoredMask | undefined> {
  const page = widePage(bytes);
  if (page === undefined) return undefined;
  const { data, info } = await sharp(bytes, { failOn: 'error', page, limitInputPixels: DEFAULT_LIMITS.maxPixels })
    .autoOrient()
    .toColourspace('b-w')
    .raw({ depth: 'double' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      const text = 'The TIFF of 32-bit integers cannot be read: it is damaged, cut short or too large.';
      throw automedError('UNSUPPORTED_IMAGE', text, { field: 'image', cause });
    });
  const values = new Float64Array(Uint8Array.from(data).buffer);
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const scale = LARGEST.find((each) => largest <= each) ?? 2 ** 32 - 1;
  return { width: info.width, height: info.height, kind: 'grey', values, scale, lossy: false };
}
