// `automed/client`: a typed client of every service. It loads neither the addon nor LibTorch.

export { AutomedClient } from './automed-client';
export { decodeRle } from '../common/coco-rle';
export { collect, type StreamAnswer } from './core/answers';
export type { CallOptions, ClientOptions, StreamOptions } from './core/options';
export type { PollOptions } from './core/polled';
export type { AnalysisClient } from './services/analysis';
export type { BasesClient, EvaluateBaseOptions, Imported } from './services/bases';
export type { ClassificationClient } from './services/classification';
export type { DatasetsClient } from './services/datasets';
export type { EvaluationsClient } from './services/evaluations';
export type { InteractiveSegmentationClient, SessionAnswer } from './services/interactive';
export type { ModelsClient, SampleOrigin, SampleOrigins } from './services/models';
export type { ObjectDecision, PacsClient, Pull, RetriedCounts, SteeredCounts } from './services/pacs';
export type { PromotionsClient } from './services/promotions';
export type { PromptedImage, PromptedImageSource } from './services/prompted-image';
export type { ReportsClient } from './services/reports';
export type { SegmentationClient } from './services/segmentation';
export type { CreateJobOptions, TrainingJobsClient, WatchOptions } from './services/training-jobs';
export type * from './types';
export {
  AutomedError,
  CancelledError,
  CheckpointError,
  DeadlineError,
  DeviceError,
  ERROR_CODES,
  IllegalStateError,
  InternalError,
  InvalidInputError,
  NotFoundError,
  ResourceExhaustedError,
  UnavailableError,
  type ErrorCode,
} from '../common/errors';
