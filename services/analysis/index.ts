// Series of DICOM images through a model, and what is found on them as DICOM objects.

export { analyse, ModelsAwayError, type Analysis, type AnalysisDeps } from './analyse';
export { FileImages } from './file-images';
export { GatewayModels, type GatewayAccess } from './gateway-models';
export { GatewayReviews } from './gateway-reviews';
export { choices, encodingOf, explainEncoding, KIND_OF, REFUSAL_HOLDS_MS, type Refusal } from './packing/encodings';
export { keptText, reopen } from './packing/kept-analysis';
export { pack, type PackDeps, type Packed, type Target } from './packing/pack';
export { verify, type Verification } from './verify';
export { dicomResults, resultPool } from './result-writer';
export type * from './ports';
export * from './types';
