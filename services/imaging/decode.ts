import sharp from 'sharp';
import { automedError, type AutomedError } from '../common/errors';
import { foreignFormat, isAnimatedPng, sniffFormat, type ImageFormat } from './formats';
import type { Pixels } from './pixels/pixels';
import { fullPages, readTiffPages, unreadFeature } from './tiff';

// One image is one job of libuv's pool; libvips' own threads would fight LibTorch's for the same cores, and its cache
// would keep patients' pixels alive.
sharp.concurrency(1);
sharp.cache(false);

export interface DecodeLimits {
  /** Encoded size. */
  maxBytes: number;
  /** Width x height, checked against the header before anything is allocated. */
  maxPixels: number;
  /** Of decoding, whole seconds from 1; default 60. */
  maxSeconds?: number | undefined;
}

/** The largest images need a few seconds. */
export const MAX_SECONDS = 60;

export const DEFAULT_LIMITS: Readonly<DecodeLimits> = { maxBytes: 64 * 1024 * 1024, maxPixels: 64_000_000 };

type Layout = Pick<Pixels, 'sampleType'> & { space: string; depth: 'uchar' | 'ushort' | 'float' };

function unsupported(message: string, cause?: unknown): AutomedError {
  return automedError('UNSUPPORTED_IMAGE', message, { field: 'image', cause });
}

function invalid(message: string): AutomedError {
  return automedError('INVALID_ARGUMENT', message, { field: 'image' });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkContent(bytes: Buffer, limits: DecodeLimits, also: readonly string[]): ImageFormat {
  if (bytes.length === 0) throw invalid('The image is empty (0 bytes).');
  if (bytes.length > limits.maxBytes) {
    throw invalid(`The image has ${bytes.length} bytes; at most ${limits.maxBytes} are accepted.`);
  }
  const format = sniffFormat(bytes);
  if (!format) {
    const found = foreignFormat(bytes);
    const accepted = ['PNG', 'JPEG', 'TIFF', 'WebP', ...also];
    const what = found ? `This is a ${found} file` : 'This is no image that can be read';
    throw unsupported(`${what}; ${accepted.slice(0, -1).join(', ')} and ${accepted.at(-1)} are accepted.`);
  }
  if (format === 'PNG' && isAnimatedPng(bytes)) {
    throw unsupported('The PNG is animated; send one still image.');
  }
  return format;
}

/** The page of a TIFF that is its one image; whatever else it holds are smaller versions of that, or masks. */
function tiffPage(bytes: Buffer): number {
  const pages = readTiffPages(bytes);
  if (pages === undefined) throw unsupported('The TIFF image cannot be read: its header is damaged or cut short.');
  const [index = 0, ...more] = fullPages(pages);
  if (more.length > 0) throw unsupported(`The TIFF has ${more.length + 1} pages; send one image at a time.`);
  const page = pages[index];
  if (page === undefined) throw unsupported('The TIFF holds no image.');
  const feature = unreadFeature(page);
  if (feature !== undefined) throw unsupported(`The TIFF ${feature}.`);
  return index;
}

async function readHeader(
  bytes: Buffer,
  format: ImageFormat,
  page: number,
  limits: DecodeLimits,
): Promise<sharp.Metadata> {
  // limitInputPixels is off here only: this call reads no pixels, and the check below gives the better message.
  const header = await sharp(bytes, { limitInputPixels: false, failOn: 'error', page })
    .metadata()
    .catch((cause: unknown) => {
      throw unsupported(`The ${format} image cannot be read: its header is damaged or cut short.`, cause);
    });
  const { width, height, pages } = header;
  if (width * height > limits.maxPixels) {
    throw invalid(`The image is ${width} x ${height}; at most ${limits.maxPixels} pixels are accepted.`);
  }
  if (format === 'WebP' && (pages ?? 1) > 1) {
    throw unsupported(`The WebP is animated (${pages} frames); send one still image.`);
  }
  return header;
}

/** The layout that keeps every sample as it was stored. */
function chooseLayout(header: sharp.Metadata, format: ImageFormat): Layout {
  const { space, depth } = header;
  const grey = space === 'b-w' || space === 'grey16';
  switch (depth) {
    case 'uchar':
      return { space: grey ? 'b-w' : 'srgb', depth, sampleType: 'uint8' };
    case 'ushort':
      return { space: grey ? 'grey16' : 'rgb16', depth, sampleType: 'uint16' };
    case 'float':
      if (grey) return { space: 'b-w', depth, sampleType: 'float32' };
      throw unsupported(`The ${format} holds floating-point colour; 8 or 16 bits, or grey float, are accepted.`);
    default:
      throw unsupported(
        `The ${format} holds samples of type ${depth}; 8 and 16 bits unsigned and grey float are accepted.`,
      );
  }
}

/** From this orientation of EXIF on rows and columns change places. */
const LYING = 5;

/** An image whose header was read, and whose pixels were not. */
export interface UndecodedImage {
  /** Upright. */
  width: number;
  height: number;
  /** What decoding takes at most, the pixels that it answers included. */
  decodeBytes: number;
  /** @throws as decodeImage() */
  decode(): Promise<Pixels>;
}

const SAMPLE_BYTES = { uchar: 1, ushort: 2, float: 4 } as const;

/** The pixels that are answered, and the whole source where libvips cannot read it row by row. */
function bytesToDecode(header: sharp.Metadata, format: ImageFormat, { space, depth }: Layout): number {
  const pixelCount = header.width * header.height;
  const grey = space === 'b-w' || space === 'grey16';
  const answered = pixelCount * (grey ? 1 : 3) * SAMPLE_BYTES[depth];
  const turned = (header.orientation ?? 1) > 1;
  const byRows = (format === 'PNG' || format === 'JPEG') && header.isProgressive !== true && !turned;
  if (byRows) return answered;
  // A progressive JPEG keeps its coefficients, two bytes for each sample.
  const sampleBytes = format === 'JPEG' ? 2 : SAMPLE_BYTES[depth];
  return answered + pixelCount * header.channels * sampleBytes;
}

/**
 * Reads the header of an image; the errors of decodeImage() that it tells are thrown before anything is allocated.
 * @param also names of formats that the caller reads besides
 * @throws InvalidInputError (UNSUPPORTED_IMAGE, INVALID_ARGUMENT) on field `image`
 */
export async function inspectImage(
  encoded: Uint8Array,
  limits: DecodeLimits,
  also: readonly string[] = [],
): Promise<UndecodedImage> {
  const bytes = asBuffer(encoded);
  const format = checkContent(bytes, limits, also);
  const page = format === 'TIFF' ? tiffPage(bytes) : 0;
  const header = await readHeader(bytes, format, page, limits);
  const layout = chooseLayout(header, format);
  const sides = [header.width, header.height] as const;
  const [width, height] = (header.orientation ?? 1) < LYING ? sides : ([sides[1], sides[0]] as const);
  const decodeBytes = bytesToDecode(header, format, layout);
  return {
    width,
    height,
    decodeBytes,
    decode: () => decodePixels(bytes, format, page, header, layout, limits.maxSeconds ?? MAX_SECONDS),
  };
}

/** Reads the headers of images, here or in another process. */
export type InspectImage = typeof inspectImage;

async function decodePixels(
  bytes: Buffer,
  format: ImageFormat,
  page: number,
  header: sharp.Metadata,
  { space, depth, sampleType }: Layout,
  limitSeconds: number,
): Promise<Pixels> {
  const { data, info } = await sharp(bytes, {
    failOn: 'error', // includes truncation
    limitInputPixels: header.width * header.height,
    ignoreIcc: header.space !== 'cmyk',
    page,
  })
    .autoOrient()
    .removeAlpha()
    .toColourspace(space)
    .raw({ depth })
    .timeout({ seconds: limitSeconds })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      const late = cause instanceof Error && cause.message.startsWith('timeout');
      const why = late ? `decoding takes more than ${limitSeconds} s` : 'its data is damaged or cut short';
      throw unsupported(`The ${format} image cannot be read: ${why}.`, cause);
    });
  return { data, width: info.width, height: info.height, channels: info.channels, sampleType };
}

/**
 * Decodes PNG, JPEG, TIFF or WebP, told by content. The result is upright (EXIF orientation applied), without alpha, grey
 * or RGB, in the file's own sample type. Stored values are not touched: colour profiles are ignored, except that CMYK is
 * converted to sRGB through its profile.
 * @throws InvalidInputError (UNSUPPORTED_IMAGE, INVALID_ARGUMENT) on field `image`
 */
export async function decodeImage(encoded: Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): Promise<Pixels> {
  return (await inspectImage(encoded, limits)).decode();
}

/** Bytes of pixels that a file will decode to, from its header alone; undefined when the header cannot be read. */
export async function decodedBytes(path: string): Promise<number | undefined> {
  const header = await sharp(path, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined);
  if (!header) return undefined;
  const sampleBytes = { ushort: 2, float: 4 }[header.depth as string] ?? 1;
  return header.width * header.height * Math.min(header.channels, 3) * sampleBytes;
}
