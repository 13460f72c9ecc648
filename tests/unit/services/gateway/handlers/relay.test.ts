import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { addressesModel } from '../../../../../services/gateway/handlers/relay';

test.each([
  ['automed.segmentation.v1.SegmentationService', 'Segment', true],
  ['automed.classification.v1.ClassificationService', 'ClassifyStream', true],
  ['automed.models.v1.ModelService', 'GetModel', true],
  ['automed.models.v1.ModelService', 'GetBase', false],
  ['automed.models.v1.ModelService', 'ListModels', false],
  ['automed.training.v1.TrainingJobService', 'CreateTrainingJob', false],
  ['automed.training.v1.TrainingJobService', 'GetTrainingJob', false],
  ['automed.training.v1.TrainingJobService', 'WatchTrainingJob', false],
])('%s %s names a model in field 1: %s', (service, method, names) => {
  const definition = serviceDefinition(service)[method];
  expect(definition && addressesModel(definition)).toBe(names);
});
