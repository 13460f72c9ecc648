// DICOM images: what their header says, the values that they store, and what a display shows of them.

export { isDicom } from './data-set';
export { DicomImage } from './decode';
export { DecodePool, dicomPool, type DecodePoolOptions, type DicomFrame } from './decode-pool';
export type { DisplayDepth } from './display';
export { DicomError, type DicomDefect } from './errors';
export type { FrameSource } from './frame-source';
export { DICOM_LIMITS, isDicomFile, readDicomHeader, type DicomHeader, type DicomLimits } from './header';
export { DicomSegmentation, type Concatenation, type SourceFrame } from './segmentation';
export { frameBytes } from './outline';
export type { PixelSize, SpacingOrigin } from './pixel-spacing';
export type { Segment } from './segment-values';
export { storedPixels, type StoredFrame } from './stored-values';
export type { SidePicture } from './object-kind';
export type { Plane } from './geometry';
