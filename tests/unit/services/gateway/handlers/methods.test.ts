import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { addressedModels } from '../../../../../services/gateway/handlers/methods';

test.each([
  ['automed.segmentation.v1.SegmentationService', 'Segment', [1]],
  ['automed.classification.v1.ClassificationService', 'ClassifyStream', [1]],
  ['automed.analysis.v1.AnalysisService', 'Analyze', [1, 3]],
  ['automed.models.v1.ModelService', 'GetModel', [1]],
  ['automed.models.v1.ModelService', 'GetBase', []],
  ['automed.models.v1.ModelService', 'ListModels', []],
  ['automed.training.v1.TrainingJobService', 'CreateTrainingJob', []],
  ['automed.training.v1.TrainingJobService', 'GetTrainingJob', []],
  ['automed.training.v1.TrainingJobService', 'WatchTrainingJob', []],
])('%s %s names models in the fields %j', (service, method, names) => {
  const definition = serviceDefinition(service)[method];
  expect(definition && addressedModels(definition)).toEqual(names);
});
