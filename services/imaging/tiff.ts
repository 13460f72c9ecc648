// What a TIFF file says of its pages, read before libvips is asked: of some features that TIFF 6.0 allows it reads other
// values than are there (half floats), or calls the file damaged.

/** One page (image file directory) of a TIFF. */
export interface TiffPage {
  width: number;
  height: number;
  /** Bits of a sample; 1 where the file says nothing (TIFF 6.0, section 8). */
  bits: number;
  /** TIFF 6.0, section 19: 1 unsigned, 2 signed, 3 floating point, 4 undefined; 5 and 6 complex. */
  sampleFormat: number;
  /** Bits of NewSubfileType: 1 a smaller version of another page, 4 a transparency mask. */
  subfileType: number;
  /** Each colour in a plane of its own. */
  planar: boolean;
  tiled: boolean;
  /** TIFF 6.0, section 8; 1: none. */
  compression: number;
  /** PhotometricInterpretation: 0 and 1 grey, 2 RGB, 3 a palette, 8 to 10 CIELab. */
  photometric: number | undefined;
  /** Channels, alpha included. */
  channels: number;
}

/** Numbers of the tags that are read (TIFF 6.0, appendix A). */
const TAG = {
  newSubfileType: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  samplesPerPixel: 277,
  planarConfiguration: 284,
  tileWidth: 322,
  sampleFormat: 339,
};
const [REDUCED, TRANSPARENCY] = [1, 4];
/** Bytes of a value by its type; of other types nothing is read. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };
/** No file has more pages than this that is not made to keep its reader busy. */
const MAX_PAGES = 10_000;

/** Compressions that the decoder knows: none, CCITT, LZW, both of JPEG, deflate, PackBits, WebP. */
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 50001]);
const COMPRESSION_NAMES: Readonly<Record<number, string>> = {
  33003: 'JPEG 2000',
  33005: 'JPEG 2000',
  34712: 'JPEG 2000',
  34925: 'LZMA',
  34887: 'LERC',
  50000: 'Zstandard',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};
const GREY = [0, 1];
const CIELAB = [8, 9, 10];

class CutShort extends Error {}

class Reader {
  readonly big: boolean;
  private readonly little: boolean;

  constructor(private readonly bytes: Buffer) {
    this.little = bytes.toString('latin1', 0, 2) === 'II';
    this.big = this.uint(2, 2) === 43;
  }

  /** @throws CutShort outside of the file */
  uint(offset: number, size: number): number {
    if (offset + size > this.bytes.length) throw new CutShort();
    if (size === 8)
      return Number(this.little ? this.bytes.readBigUInt64LE(offset) : this.bytes.readBigUInt64BE(offset));
    if (size === 1) return this.bytes.readUInt8(offset);
    return this.little ? this.bytes.readUIntLE(offset, size) : this.bytes.readUIntBE(offset, size);
  }

  /** The first value of every tag of the directory at `offset`, and where the next one is; 0: there is none. */
  directory(offset: number): { values: Map<number, number>; next: number } {
    const [countBytes, entryBytes, addressBytes] = this.big ? [8, 20, 8] : [2, 12, 4];
    const count = this.uint(offset, countBytes);
    const values = new Map<number, number>();
    for (let i = 0; i < count; i += 1) {
      const entry = offset + countBytes + i * entryBytes;
      const [tag, bytes] = [this.uint(entry, 2), VALUE_BYTES[this.uint(entry + 2, 2)]];
      if (bytes === undefined) continue;
      const field = entry + 4 + addressBytes;
      const inside = bytes * this.uint(entry + 4, addressBytes) <= addressBytes;
      values.set(tag, this.uint(inside ? field : this.uint(field, addressBytes), bytes));
    }
    return { values, next: this.uint(offset + countBytes + count * entryBytes, addressBytes) };
  }
}

function pageOf(values: ReadonlyMap<number, number>): TiffPage {
  return {
    width: values.get(TAG.width) ?? 0,
    height: values.get(TAG.height) ?? 0,
    bits: values.get(TAG.bits) ?? 1,
    sampleFormat: values.get(TAG.sampleFormat) ?? 1,
    subfileType: values.get(TAG.newSubfileType) ?? 0,
    planar: (values.get(TAG.samplesPerPixel) ?? 1) > 1 && values.get(TAG.planarConfiguration) === 2,
    tiled: values.has(TAG.tileWidth),
    compression: values.get(TAG.compression) ?? 1,
    photometric: values.get(TAG.photometric),
    channels: values.get(TAG.samplesPerPixel) ?? 1,
  };
}

/** The pages of a TIFF or BigTIFF; undefined when their directories are damaged or cut short. */
export function readTiffPages(bytes: Buffer): TiffPage[] | undefined {
  try {
    const reader = new Reader(bytes);
    const pages: TiffPage[] = [];
    const seen = new Set<number>();
    let offset = reader.big ? reader.uint(8, 8) : reader.uint(4, 4);
    while (offset !== 0) {
      if (seen.has(offset) || seen.size >= MAX_PAGES) return undefined;
      seen.add(offset);
      const { values, next } = reader.directory(offset);
      pages.push(pageOf(values));
      offset = next;
    }
    return pages;
  } catch (error) {
    if (error instanceof CutShort) return undefined;
    throw error;
  }
}

/** Indices of the pages that are images of their own, neither smaller versions of others nor masks of them. */
export function fullPages(pages: readonly TiffPage[]): number[] {
  return pages.flatMap(({ subfileType }, index) => ((subfileType & (REDUCED | TRANSPARENCY)) === 0 ? [index] : []));
}

/** What of a page is not read, named for an error message; undefined when it is. */
export function unreadFeature(page: TiffPage): string | undefined {
  const { bits, sampleFormat, planar, tiled, compression, photometric, channels } = page;
  if (!COMPRESSIONS.has(compression)) {
    return `is compressed by ${COMPRESSION_NAMES[compression] ?? `method ${compression}`}, which is not read; LZW and deflate are`;
  }
  if (photometric !== undefined && CIELAB.includes(photometric))
    return 'holds CIELab colours, which are not read; RGB is';
  const isGrey = photometric !== undefined && GREY.includes(photometric);
  if (isGrey && channels > 2) return `holds ${channels} channels that are no colours, of which none can be chosen`;
  if (sampleFormat === 3 && bits !== 32) return `holds ${bits}-bit floating point, which is not read; 32-bit is`;
  if (sampleFormat === 2) return `holds signed integers of ${bits} bits, which are not read; unsigned ones are`;
  if (sampleFormat > 4) return 'holds complex numbers, which are not read';
  if (sampleFormat !== 3 && ![1, 2, 4, 8, 16].includes(bits)) {
    return `holds samples of ${bits} bits, which are not read; 8 and 16 bits are`;
  }
  if (planar && tiled)
    return 'stores each colour in tiles of its own, which is not read; strips or interleaved colours are';
  return undefined;
}
