// Clients of single services that repeat nothing: what a server answers to one call is what a test sees.

import type { AnalysisServiceDefinition } from '../../proto/gen/automed/analysis/v1/AnalysisService';
import type { ClassificationServiceDefinition } from '../../proto/gen/automed/classification/v1/ClassificationService';
import type { ModelServiceDefinition } from '../../proto/gen/automed/models/v1/ModelService';
import type { InteractiveSegmentationServiceDefinition } from '../../proto/gen/automed/segmentation/v1/InteractiveSegmentationService';
import type { SegmentationServiceDefinition } from '../../proto/gen/automed/segmentation/v1/SegmentationService';
import type { EvaluationServiceDefinition } from '../../proto/gen/automed/evaluations/v1/EvaluationService';
import type { DatasetServiceDefinition } from '../../proto/gen/automed/datasets/v1/DatasetService';
import type { TrainingJobServiceDefinition } from '../../proto/gen/automed/training/v1/TrainingJobService';
import { ApiClient, type ClientConfig } from '../../services/common/grpc/client';

export function segmentationClient(address: string, config?: ClientConfig): ApiClient<SegmentationServiceDefinition> {
  return new ApiClient('automed.segmentation.v1.SegmentationService', address, config);
}

export function interactiveClient(
  address: string,
  config?: ClientConfig,
): ApiClient<InteractiveSegmentationServiceDefinition> {
  return new ApiClient('automed.segmentation.v1.InteractiveSegmentationService', address, config);
}

export function analysisClient(address: string, config?: ClientConfig): ApiClient<AnalysisServiceDefinition> {
  return new ApiClient('automed.analysis.v1.AnalysisService', address, config);
}

export function classificationClient(
  address: string,
  config?: ClientConfig,
): ApiClient<ClassificationServiceDefinition> {
  return new ApiClient('automed.classification.v1.ClassificationService', address, config);
}

export function trainingJobClient(address: string, config?: ClientConfig): ApiClient<TrainingJobServiceDefinition> {
  return new ApiClient('automed.training.v1.TrainingJobService', address, config);
}

export function evaluationClient(address: string, config?: ClientConfig): ApiClient<EvaluationServiceDefinition> {
  return new ApiClient('automed.evaluations.v1.EvaluationService', address, config);
}

export function datasetClient(address: string, config?: ClientConfig): ApiClient<DatasetServiceDefinition> {
  return new ApiClient('automed.datasets.v1.DatasetService', address, config);
}

export function modelClient(address: string, config?: ClientConfig): ApiClient<ModelServiceDefinition> {
  return new ApiClient('automed.models.v1.ModelService', address, config);
}
