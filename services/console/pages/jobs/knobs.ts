// The numbers of a recipe that the form offers, with what each recipe `default` has; a test holds them against the recipes.

import type { RecipeOverrides } from '../../../console-kit/api/job-types';

export type Family = 'segmentation' | 'classification' | 'interactive';

interface KnobBase {
  key: keyof RecipeOverrides;
}

export interface NumberKnob extends KnobBase {
  kind: 'number';
  min: number;
  max?: number;
  step: number | 'any';
}

export interface ChoiceKnob extends KnobBase {
  kind: 'choice';
  /** As the API names them. */
  options: readonly string[];
}

export interface SwitchKnob extends KnobBase {
  kind: 'switch';
}

export type Knob = NumberKnob | ChoiceKnob | SwitchKnob;

export const KNOBS: readonly Knob[] = [
  { key: 'epochs', kind: 'number', min: 1, max: 100_000, step: 1 },
  { key: 'learningRate', kind: 'number', min: 0, step: 'any' },
  { key: 'batchSize', kind: 'number', min: 1, max: 4096, step: 1 },
  { key: 'patience', kind: 'number', min: 0, step: 1 },
  { key: 'horizontalFlip', kind: 'switch' },
  { key: 'verticalFlip', kind: 'switch' },
  { key: 'rotationDegrees', kind: 'number', min: 0, max: 180, step: 'any' },
  { key: 'weightDecay', kind: 'number', min: 0, step: 'any' },
  { key: 'optimizer', kind: 'choice', options: ['OPTIMIZER_ADAM', 'OPTIMIZER_ADAM_W'] },
  {
    key: 'schedule',
    kind: 'choice',
    options: [
      'SCHEDULE_CONSTANT',
      'SCHEDULE_COSINE',
      'SCHEDULE_LINEAR',
      'SCHEDULE_ONE_CYCLE',
      'SCHEDULE_STEP',
      'SCHEDULE_PLATEAU',
    ],
  },
];

type Defaults = Readonly<Required<RecipeOverrides>>;

const SEGMENTATION: Defaults = {
  epochs: 20,
  learningRate: 0.001,
  batchSize: 8,
  patience: 0,
  horizontalFlip: true,
  verticalFlip: true,
  rotationDegrees: 0,
  weightDecay: 0,
  optimizer: 'OPTIMIZER_ADAM',
  schedule: 'SCHEDULE_COSINE',
};

export const DEFAULTS: Readonly<Record<Family, Defaults>> = {
  segmentation: SEGMENTATION,
  classification: { ...SEGMENTATION, batchSize: 10, weightDecay: 0.01, optimizer: 'OPTIMIZER_ADAM_W' },
  interactive: { ...SEGMENTATION, batchSize: 4, learningRate: 0.0005 },
};

/** `SCHEDULE_ONE_CYCLE` as people write it. */
export const wordOf = (name: string): string =>
  name
    .replace(/^[A-Z]+_/, '')
    .toLowerCase()
    .replaceAll('_', ' ')
    .replace('adam w', 'adamw');
