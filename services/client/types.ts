// The messages of the API under their own names: requests as callers write them (every field optional), answers as they come
// (defaults filled in). Fields are those of the protos in camel case; 64-bit integers come as decimal strings, enums by name.

export type { DicomFrame__Output as DicomFrame } from '../../proto/gen/automed/common/v1/DicomFrame';
export type { Image } from '../../proto/gen/automed/common/v1/Image';
export type { Mask__Output as Mask } from '../../proto/gen/automed/common/v1/Mask';
export type { MaskFormat } from '../../proto/gen/automed/common/v1/MaskFormat';
export type { ModelInfo__Output as ModelInfo } from '../../proto/gen/automed/common/v1/ModelInfo';
export type { BaseInfo__Output as BaseInfo } from '../../proto/gen/automed/common/v1/BaseInfo';
export type { PixelSpacing } from '../../proto/gen/automed/common/v1/PixelSpacing';
export type { RawPixels } from '../../proto/gen/automed/common/v1/RawPixels';
export type { Timings__Output as Timings } from '../../proto/gen/automed/common/v1/Timings';

export type { SegmentRequest } from '../../proto/gen/automed/segmentation/v1/SegmentRequest';
export type { SegmentResponse__Output as SegmentResponse } from '../../proto/gen/automed/segmentation/v1/SegmentResponse';
export type { SegmentStreamRequest } from '../../proto/gen/automed/segmentation/v1/SegmentStreamRequest';
export type { BoxPrompt } from '../../proto/gen/automed/segmentation/v1/BoxPrompt';
export type { EncodeImageRequest } from '../../proto/gen/automed/segmentation/v1/EncodeImageRequest';
export type { EncodeImageResponse__Output as EncodeImageResponse } from '../../proto/gen/automed/segmentation/v1/EncodeImageResponse';
export type { InteractiveSessionRequest } from '../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
export type { PointPrompt } from '../../proto/gen/automed/segmentation/v1/PointPrompt';
export type { PredictMasksRequest } from '../../proto/gen/automed/segmentation/v1/PredictMasksRequest';
export type { PredictMasksResponse__Output as PredictMasksResponse } from '../../proto/gen/automed/segmentation/v1/PredictMasksResponse';
export type { SegmentEverythingRequest } from '../../proto/gen/automed/segmentation/v1/SegmentEverythingRequest';
export type { SegmentEverythingResponse__Output as SegmentEverythingResponse } from '../../proto/gen/automed/segmentation/v1/SegmentEverythingResponse';

export type { ClassifyRequest } from '../../proto/gen/automed/classification/v1/ClassifyRequest';
export type { ClassifyResponse__Output as ClassifyResponse } from '../../proto/gen/automed/classification/v1/ClassifyResponse';
export type { ClassifyStreamRequest } from '../../proto/gen/automed/classification/v1/ClassifyStreamRequest';

export type { AnalyzeRequest } from '../../proto/gen/automed/analysis/v1/AnalyzeRequest';
export type { AnalyzeResponse__Output as AnalyzeResponse } from '../../proto/gen/automed/analysis/v1/AnalyzeResponse';

export type { GetStatusResponse__Output as PacsStatus } from '../../proto/gen/automed/pacs/v1/GetStatusResponse';
export type { GetStudyResponse__Output as PacsStudy } from '../../proto/gen/automed/pacs/v1/GetStudyResponse';
export type { PullStudyResponse__Output as PullProgress } from '../../proto/gen/automed/pacs/v1/PullStudyResponse';
export type { Study__Output as Study } from '../../proto/gen/automed/pacs/v1/Study';

export type { Backbone__Output as Backbone } from '../../proto/gen/automed/models/v1/Backbone';
export type { Base__Output as Base } from '../../proto/gen/automed/models/v1/Base';
export type { Model__Output as Model } from '../../proto/gen/automed/models/v1/Model';
export type { Task } from '../../proto/gen/automed/models/v1/Task';

export type { Dataset__Output as Dataset } from '../../proto/gen/automed/datasets/v1/Dataset';
export type { DatasetSpec } from '../../proto/gen/automed/datasets/v1/DatasetSpec';
export type { Evaluation__Output as Evaluation } from '../../proto/gen/automed/evaluations/v1/Evaluation';
export type { EvaluationSample__Output as EvaluationSample } from '../../proto/gen/automed/evaluations/v1/EvaluationSample';
export type { EvaluationSpec } from '../../proto/gen/automed/evaluations/v1/EvaluationSpec';
export type { PromoteModelRequest } from '../../proto/gen/automed/models/v1/PromoteModelRequest';
export type { Promotion__Output as Promotion } from '../../proto/gen/automed/models/v1/Promotion';
export type { ReportFile__Output as ReportFile } from '../../proto/gen/automed/reports/v1/ReportFile';
export type { ReportSubject } from '../../proto/gen/automed/reports/v1/ReportSubject';
export type { RollbackAliasRequest } from '../../proto/gen/automed/models/v1/RollbackAliasRequest';
export type { TrainingEvent__Output as TrainingEvent } from '../../proto/gen/automed/training/v1/TrainingEvent';
export type { TrainingJob__Output as TrainingJob } from '../../proto/gen/automed/training/v1/TrainingJob';
export type { TrainingSpec } from '../../proto/gen/automed/training/v1/TrainingSpec';
