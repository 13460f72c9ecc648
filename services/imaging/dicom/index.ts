// DICOM images: what their header says, the values that they store, and what a display shows of them.

export { isDicom } from './data-set';
export { DicomImage } from './decode';
export { DecodePool, type DecodePoolOptions } from './decode-pool';
export { DicomError, type DicomDefect } from './errors';
export { DICOM_LIMITS, isDicomFile, readDicomHeader, type DicomHeader, type DicomLimits } from './header';
export { DicomSegmentation, type Concatenation, type SourceFrame } from './segmentation';
export type { StoredFrame } from './stored-values';
export type { SidePicture } from './object-kind';
