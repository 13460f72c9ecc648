// Files as a decoding thread reads them: it has nothing else to do meanwhile, and keeps the memory from file to file.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parseFile, PIXEL_DATA } from './data-set';
import { DicomError } from './errors';
import { formatOf, type DicomLimits, type ImageFormat } from './header';
import { isNoImage } from './object-kind';
import { keepBits, memoryFor, numbersIn, type StoredFrame } from './stored-values';

/** Enough of most files of one frame to reach its pixels. */
const HEAD_BYTES = 16 * 1024;
/** Memory for whole files that is kept; of larger ones it is not. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** With which compressed pixels begin, little-endian. */
const ITEM = 0xe000fffe;
/** Total Pixel Matrix Columns: of slides more is to be said than of other pictures. */
const SLIDE = 'x00480006';

export interface PlainFrame {
  stored: StoredFrame;
  format: ImageFormat;
}

/** A file that is open. */
export class DicomFile {
  private static head = new Uint8Array(HEAD_BYTES);
  private static kept = new Uint8Array(0);

  private constructor(
    private readonly file: number,
    private readonly size: number,
    private readonly limits: DicomLimits,
  ) {}

  /**
   * What `use` makes of a file.
   * @throws DicomError (TOO_LARGE); errors of the file system as they are
   */
  static async read<T>(path: string, limits: DicomLimits, use: (file: DicomFile) => T | Promise<T>): Promise<T> {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (size > limits.maxBytes) {
        throw new DicomError('TOO_LARGE', `The DICOM file has ${size} bytes; at most ${limits.maxBytes} are accepted.`);
      }
      return await use(new DicomFile(file, size, limits));
    } finally {
      closeSync(file);
    }
  }

  /** All bytes, until the next file is read. */
  whole(): Uint8Array {
    const { size } = this;
    if (size > DicomFile.kept.length) {
      const bytes = new Uint8Array(size);
      if (size <= KEPT_BYTES) DicomFile.kept = bytes;
      return bytes.subarray(0, this.fill(bytes, 0));
    }
    return DicomFile.kept.subarray(0, this.fill(DicomFile.kept.subarray(0, size), 0));
  }

  /**
   * The values of an only frame of grey that is not compressed: they are read to where they are wanted, and of the file no more than
   * the beginning is looked at. Undefined for all others, and for whatever is wrong, which decoding the whole file finds.
   */
  plainFrame(into?: ArrayBufferLike): PlainFrame | undefined {
    const place = this.plainPixels();
    if (!place) return undefined;
    const { format, offset } = place;
    const bytes = (format.width * format.height * format.bitsAllocated) / 8;
    const buffer = memoryFor(bytes, into);
    const target = new Uint8Array(buffer, 0, bytes);
    if (this.fill(target, offset) < bytes) return undefined;
    if (bytes >= 4 && new DataView(buffer).getUint32(0, true) === ITEM) return undefined;
    const values = numbersIn(buffer, bytes, format);
    keepBits(values, { bits: format.bitsStored, shift: format.highBit + 1 - format.bitsStored }, format.signed);
    const kind = format.photometric === 'PALETTE COLOR' ? 'palette' : 'grey';
    return { stored: { values, width: format.width, height: format.height, kind }, format };
  }

  private plainPixels(): { format: ImageFormat; offset: number } | undefined {
    const { head } = DicomFile;
    const { maxBytes } = this.limits;
    try {
      const begun = head.subarray(0, this.fill(head, 0));
      const { dataSet, syntax } = parseFile(begun, { maxBytes, headerOnly: true });
      const pixels = dataSet.elements[PIXEL_DATA];
      if (!pixels || pixels.hadUndefinedLength || syntax.codec || syntax.deflated || syntax.bigEndian) return undefined;
      if (isNoImage(dataSet) || dataSet.elements[SLIDE]) return undefined;
      const format = formatOf(dataSet, this.limits);
      const { width, height, frames, samples, bitsAllocated, floating } = format;
      if (frames !== 1 || samples !== 1 || floating || bitsAllocated === 1) return undefined;
      const bytes = (width * height * bitsAllocated) / 8;
      // Twice as many may be other pixels than the header describes.
      if (pixels.length < bytes || pixels.length >= 2 * bytes) return undefined;
      return { format, offset: pixels.dataOffset };
    } catch {
      return undefined;
    }
  }

  /** Reads what there is of the file from a position on. @returns how many bytes */
  private fill(bytes: Uint8Array, from: number): number {
    let at = 0;
    while (at < bytes.length) {
      const count = readSync(this.file, bytes, at, bytes.length - at, from + at);
      if (count === 0) break;
      at += count;
    }
    return at;
  }
}
