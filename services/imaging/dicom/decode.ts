import type { Mask } from '../mask';
import type { Pixels } from '../pixels';
import { parseFile, type ParsedFile } from './data-set';
import { displayed } from './display';
import { DICOM_LIMITS, headerOf, type DicomHeader, type DicomLimits } from './header';
import { storedFrame, type StoredFrame } from './stored-values';

/** A DICOM file that was parsed, whose frames can be asked for one by one. */
export class DicomImage {
  private constructor(
    private readonly file: ParsedFile,
    readonly header: DicomHeader,
  ) {}

  /** @throws DicomError */
  static parse(bytes: Uint8Array, limits: DicomLimits = DICOM_LIMITS): DicomImage {
    const file = parseFile(bytes, limits);
    return new DicomImage(file, headerOf(file, limits));
  }

  /**
   * The numbers that the file stores: decompressed, neither rescaled nor windowed.
   * @param frame from 0
   * @throws DicomError
   */
  async stored(frame = 0): Promise<StoredFrame> {
    return storedFrame(this.file, this.header, frame);
  }

  /**
   * What a display shows of a frame: 8-bit grey or RGB.
   * @param frame from 0
   * @throws DicomError
   */
  async display(frame = 0): Promise<Pixels> {
    return displayed(await this.stored(frame), this.file.dataSet, this.header, frame);
  }

  /**
   * A frame that somebody drew as a mask: foreground is what is stored as anything but 0, whatever a display would make of
   * it; of a JPEG with loss, whose zeros need not stay zeros, the upper half of the values.
   * @param frame from 0
   * @throws DicomError
   */
  async mask(frame = 0): Promise<Mask> {
    const { syntax, bitsStored, samples } = this.header;
    const background = syntax.lossy ? 2 ** (bitsStored - 1) - 1 : 0;
    const { values, width, height } = await this.stored(frame);
    const mask = new Uint8Array(width * height);
    values.forEach((value, at) => {
      if (Math.abs(value) > background) mask[Math.floor(at / samples)] = 1;
    });
    return { mask, width, height };
  }
}
