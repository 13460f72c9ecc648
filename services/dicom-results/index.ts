// Results as DICOM objects: what a model drew or told apart, bound to the images that it looked at.

export { captureObjects, CAPTURE_STORAGE } from './capture/capture';
export { ResultError, type ResultDefect } from './errors';
export { segmentationObject, SEGMENTATION_STORAGE } from './segmentation/binary';
export { readMasks } from './geometry/read-masks';
export { proveGeometry, type ProvenSegment } from './geometry/prove';
export { presentationObject, PRESENTATION_STORAGE } from './presentation/presentation';
export { reportObject, REPORT_STORAGE, type Findings } from './report/report';
export { labelmapObject, LABELMAP_STORAGE } from './segmentation/labelmap';
export { part10 } from './write/part10';
export { codeItem, type Elements, type ElementValue } from './write/elements';
export { termsOf } from './content/terms';
export { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION } from './write/uids';
export { readIdentity, readNumbers, type ReplayIdentity, type ReportNumber } from './report/read-identity';
export { ResultPool } from './threads/result-pool';
export { readSource } from './source/read-source';
export { stackOf, type Stack } from './source/stack';
export type * from './types';
