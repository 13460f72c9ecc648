import type { Pixels } from '../pixels/pixels';
import { parseFile, type ParsedFile } from './data-set';
import { displayed, type DisplayDepth } from './display';
import { frameSourceOf, type FrameSource } from './frame-source';
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
   * @param into memory that the values may be put into
   * @throws DicomError
   */
  async stored(frame = 0, into?: ArrayBufferLike): Promise<StoredFrame> {
    return storedFrame(this.file, this.header, frame, into);
  }

  /**
   * Which frame it is, and where it lies.
   * @param frame from 0
   */
  source(frame = 0): FrameSource {
    return frameSourceOf(this.file, this.header, frame);
  }

  /**
   * What a display shows of a frame: grey or RGB.
   * @param frame from 0
   * @param depth see displayed()
   * @throws DicomError
   */
  async display(frame = 0, depth: DisplayDepth = 8): Promise<Pixels> {
    return displayed(await this.stored(frame), this.file.dataSet, this.header, frame, depth);
  }
}
