import type { CreateTrainingJobRequest__Output } from '../../../../proto/gen/automed/training/v1/CreateTrainingJobRequest';
import type { RecipeOverrides } from '../../../../proto/gen/automed/training/v1/RecipeOverrides';
import { serviceDefinition } from '../../../../services/common/grpc/proto';
import { recipeFor, recipeSchema } from '../../../../services/training/domain/recipes';
import { trainingJobSpecSchema } from '../../../../services/training/domain/jobs/training-kind';
import { fromSpec, toSpec } from '../../../../services/training/training-spec-message';

describe('the message of a training', () => {
  it('carries every number of a recipe, and what a run may use, over the wire and back', () => {
    const overrides = recipeFor('segmentation', 'default', {
      rotationDegrees: 30,
      rotationSteps: 8,
      gradientClip: 1.5,
      schedule: 'plateau',
      patience: 3,
      minDelta: 0.001,
      precision: 'auto',
      batchNorm: 'reestimate',
    });
    const spec = trainingJobSpecSchema.parse({
      task: 'segmentation',
      name: 'polyp',
      data: '/data/polyps',
      base: 'tiny',
      overrides,
      checkpointSeconds: 0,
      keepCheckpoints: 3,
      embeddingCacheBytes: 2 ** 40,
    });
    const message = toSpec(spec);
    expect(Object.keys(message.overrides as RecipeOverrides).sort()).toEqual(Object.keys(recipeSchema.shape).sort());
    const { CreateTrainingJob: method } = serviceDefinition('automed.training.v1.TrainingJobService');
    const received = method!.requestDeserialize(method!.requestSerialize({ spec: message }));
    const { spec: output } = received as CreateTrainingJobRequest__Output;
    expect(trainingJobSpecSchema.parse(fromSpec(output!))).toEqual(spec);
  });
});
