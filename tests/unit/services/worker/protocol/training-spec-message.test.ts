// TrainingSpec over the wire: what goes in comes out, and no field of a run is left behind.

import type { CreateTrainingJobRequest__Output } from '../../../../../proto/gen/automed/training/v1/CreateTrainingJobRequest';
import type { TrainingSpec } from '../../../../../proto/gen/automed/training/v1/TrainingSpec';
import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { trainingJobSpecSchema } from '../../../../../services/worker/protocol/protocol';
import { recipeFor, RECIPES, recipeSchema } from '../../../../../services/worker/protocol/recipes';
import { fromSpec, toSpec } from '../../../../../services/worker/protocol/training-spec-message';

const { CreateTrainingJob } = serviceDefinition('automed.training.v1.TrainingJobService');

function overTheWire(spec: TrainingSpec) {
  if (!CreateTrainingJob) throw new Error('no such method');
  const bytes = CreateTrainingJob.requestSerialize({ spec });
  const request = CreateTrainingJob.requestDeserialize(bytes) as CreateTrainingJobRequest__Output;
  if (request.spec === null) throw new Error('no specification came out');
  return fromSpec(request.spec);
}

const minimal = { task: 'classification', name: 'kinds', data: '/data', base: 'tiny' } as const;

test('a specification with the least has the defaults of a run', () => {
  const parsed = trainingJobSpecSchema.parse(overTheWire(toSpec(minimal)));
  expect(parsed).toEqual(trainingJobSpecSchema.parse(minimal));
});

test('every number of a recipe travels, and none is invented', () => {
  const overrides = recipeSchema.required().parse({ dropout: 0.25, ...Object.values(RECIPES)[0]?.recipe });
  expect(overTheWire(toSpec({ ...minimal, overrides }))).toMatchObject({ overrides });
  for (const key of Object.keys(recipeSchema.shape) as (keyof typeof overrides)[]) {
    const one = { [key]: overrides[key] };
    expect(overTheWire(toSpec({ ...minimal, overrides: one }))).toHaveProperty('overrides', one);
  }
});

test('zeros, false and empty lists are told from what is absent', () => {
  const spec = {
    ...minimal,
    threshold: 0.25,
    reportImages: false,
    overrides: { horizontalFlip: false, weightDecay: 0 },
  };
  expect(overTheWire(toSpec(spec))).toMatchObject(spec);
  expect(overTheWire(toSpec(minimal))).not.toHaveProperty('structures');
  expect(overTheWire(toSpec(minimal))).not.toHaveProperty('maskValues');
});

test('structures and trained parts keep their meaning', () => {
  const spec = {
    ...minimal,
    task: 'segmentation' as const,
    train: 'adapters' as const,
    structures: [
      { name: 'disc', masks: 'masks' },
      { name: 'cup', masks: 'masks_cup' },
    ],
    head: { mobilenetWidth: 0.5, se: 'plain' as const, attention: false },
    seed: 2 ** 40,
    maskValues: 'disc=1,2,cup=2',
  };
  expect(overTheWire(toSpec(spec))).toMatchObject(spec);
});

test.each(['schedule', 'batchNorm', 'precision', 'optimizer'] as const)('every %s of a recipe travels', (key) => {
  for (const word of recipeSchema.shape[key].options) {
    expect(overTheWire(toSpec({ ...minimal, overrides: { [key]: word } }))).toHaveProperty(`overrides.${key}`, word);
  }
});

test('coded terms travel, and what is no JSON is refused by name', () => {
  const terms = { polyp: { type: { value: '41329004', scheme: 'SCT', meaning: 'Polyp' } } };
  expect(overTheWire(toSpec({ ...minimal, terms }))).toMatchObject({ terms });
  expect(trainingJobSpecSchema.parse(overTheWire(toSpec({ ...minimal, terms }))).terms).toEqual(terms);
  expect(() => overTheWire({ termsJson: '{' })).toThrow(expect.objectContaining({ field: 'spec.terms_json' }));
  const long = { polyp: { type: { value: '1'.repeat(17), scheme: 'SCT', meaning: 'Polyp' } } };
  expect(
    trainingJobSpecSchema.safeParse(overTheWire({ ...toSpec(minimal), termsJson: JSON.stringify(long) })).success,
  ).toBe(false);
});

test('what an enum leaves unspecified is the default', () => {
  const spec = overTheWire({ overrides: { schedule: 'SCHEDULE_UNSPECIFIED' }, head: { se: 0 } });
  expect(spec).toMatchObject({ overrides: {}, head: {} });
});

test('a whole specification comes out as it went in', () => {
  const overrides = recipeFor('segmentation', 'default', {
    dropout: 0,
    rotationDegrees: 30,
    rotationSteps: 8,
    gradientClip: 1.5,
    schedule: 'plateau',
    patience: 3,
    precision: 'auto',
    batchNorm: 'reestimate',
  });
  const given = { ...minimal, task: 'segmentation' as const, overrides };
  const kept = { checkpointSeconds: 0, keepCheckpoints: 3, embeddingCacheBytes: 2 ** 40, ranks: 3 };
  const spec = trainingJobSpecSchema.parse({ ...given, ...kept });
  expect(trainingJobSpecSchema.parse(overTheWire(toSpec(spec)))).toEqual(spec);
});
