import { InvalidInputError, type ErrorCode } from '../../common/errors';

/** What is wrong with a DICOM file, for programs; the message is for people. */
export type DicomDefect =
  /** No DICOM at all. */
  | 'NOT_DICOM'
  /** The header cannot be parsed, or lacks what says how the pixels lie. */
  | 'HEADER'
  /** Fewer bytes than the header promises. */
  | 'TRUNCATED'
  /** Encoded in a transfer syntax that is not read. */
  | 'TRANSFER_SYNTAX'
  /** Pixels of a kind that is not read: bits, photometric interpretation, floating point. */
  | 'PIXEL_FORMAT'
  /** Compressed pixels that are damaged or contradict the header. */
  | 'PIXEL_DECODE'
  /** An image that lost its pixels. */
  | 'NO_PIXELS'
  /** An object that is no image by its kind: a report, a structure set, a waveform. */
  | 'NOT_IMAGE'
  /** A segmentation in a grid that does not fall on the pixels of its image. */
  | 'GEOMETRY'
  /** A frame that the object does not have. */
  | 'FRAME'
  /** More than the limits allow. */
  | 'TOO_LARGE';

const CODES: Readonly<Partial<Record<DicomDefect, ErrorCode>>> = {
  FRAME: 'INVALID_ARGUMENT',
  TOO_LARGE: 'INVALID_ARGUMENT',
};

/** A DICOM file that cannot be used. Neither message nor cause hold a value of the header that may name a patient. */
export class DicomError extends InvalidInputError {
  constructor(
    readonly defect: DicomDefect,
    message: string,
  ) {
    super(CODES[defect] ?? 'UNSUPPORTED_IMAGE', message, { field: 'image' });
  }
}
