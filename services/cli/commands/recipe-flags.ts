// The numbers of a recipe as flags of `automed train`; each replaces the recipe's.

import { Option, type Command } from 'commander';
import { recipeFor, recipeSchema, type Recipe, type RecipeFamily } from '../../worker/protocol/recipes';
import { number, whole } from './options';

export interface RecipeOptions {
  epochs?: number;
  batch?: number;
  accumulate?: number;
  lr?: number;
  weightDecay?: number;
  optimizer?: Recipe['optimizer'];
  clip?: number;
  dropout?: number;
  precision?: Recipe['precision'];
  schedule?: Recipe['schedule'];
  warmupSteps?: number;
  scheduleEpochs?: number;
  scheduleFactor?: number;
  patience?: number;
  minDelta?: number;
  bnMomentum?: number;
  batchNorm?: Recipe['batchNorm'];
  hflip?: boolean;
  vflip?: boolean;
  rotation?: number;
  rotationSteps?: number;
}

/** The option of each number, where its name is another. */
const OPTION_OF: { readonly [K in keyof Recipe]?: string } = {
  learningRate: 'lr',
  batchSize: 'batch',
  accumulationSteps: 'accumulate',
  horizontalFlip: 'hflip',
  verticalFlip: 'vflip',
  rotationDegrees: 'rotation',
  batchNormMomentum: 'bnMomentum',
  gradientClip: 'clip',
};

/** Says behind each option what the default recipe has; the value itself stays the recipe's. */
function describeDefaults(command: Command, family: RecipeFamily): void {
  for (const [key, value] of Object.entries(recipeFor(family))) {
    const name = OPTION_OF[key as keyof Recipe] ?? key;
    const option = command.options.find((each) => each.attributeName() === name && !each.negate);
    if (!option) continue;
    const shown = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
    option.description = [option.description, `(default: ${shown})`].filter((text) => text !== '').join(' ');
  }
}

/** @param family whose default recipe the help tells the numbers of */
export function addRecipeFlags(command: Command, family: RecipeFamily): void {
  const { optimizer, schedule, precision, batchNorm } = recipeSchema.shape;
  command
    .option('--epochs <count>', 'passes over the training images', whole(1))
    .option('--batch <count>', 'images per step', whole(1))
    .option('--accumulate <count>', 'batches whose gradients make one step', whole(1))
    .option('--lr <rate>', 'learning rate', number({ min: 0, open: true }))
    .option('--weight-decay <factor>', 'L2 penalty (adam) or decoupled decay (adamw)', number({ min: 0 }))
    .addOption(new Option('--optimizer <name>', 'how weights are changed').choices(optimizer.options))
    .option(
      '--dropout <share>',
      "of values dropped while training (default: the network's own)",
      number({ min: 0, max: 0.99 }),
    )
    .option('--clip <norm>', 'norm that the gradients of a step may have; 0: any', number({ min: 0 }))
    .addOption(
      new Option('--precision <name>', 'of training; auto: bf16 where the device has it').choices(precision.options),
    )
    .addOption(new Option('--schedule <name>', 'of the learning rate').choices(schedule.options))
    .option('--warmup-steps <count>', 'steps over which the learning rate rises', whole(0))
    .option('--schedule-epochs <count>', 'step: epochs between two falls; plateau: without a gain before one', whole(1))
    .option(
      '--schedule-factor <share>',
      'what a fall leaves of the learning rate',
      number({ min: 0, max: 1, open: true }),
    )
    .option('--patience <epochs>', 'end after as many epochs without a better score; 0: never', whole(0))
    .option('--min-delta <score>', 'gain that counts as better', number({ min: 0, max: 1 }))
    .option('--bn-momentum <share>', "of batch norm's running statistics", number({ min: 0, max: 1 }))
    .addOption(
      new Option('--batch-norm <how>', 'statistics to evaluate with: as they ran, or measured anew').choices(
        batchNorm.options,
      ),
    )
    .option('--hflip', 'mirror images at random, left to right')
    .option('--no-hflip', 'do not')
    .option('--vflip', 'mirror images at random, top to bottom')
    .option('--no-vflip', 'do not')
    .option('--rotation <degrees>', 'rotate images at random within (-degrees, degrees)', number({ min: 0, max: 180 }))
    .option(
      '--rotation-steps <count>',
      'by this many fixed angles, so that embeddings can be kept; 0: by any',
      whole(0, 3600),
    );
  describeDefaults(command, family);
}

/** What the flags say of the recipe; undefined where the recipe stands. */
export function recipeOverrides(options: RecipeOptions): { [K in keyof Recipe]: Recipe[K] | undefined } {
  return {
    optimizer: options.optimizer,
    learningRate: options.lr,
    weightDecay: options.weightDecay,
    epochs: options.epochs,
    batchSize: options.batch,
    accumulationSteps: options.accumulate,
    horizontalFlip: options.hflip,
    verticalFlip: options.vflip,
    rotationDegrees: options.rotation,
    rotationSteps: options.rotationSteps,
    batchNormMomentum: options.bnMomentum,
    batchNorm: options.batchNorm,
    gradientClip: options.clip,
    dropout: options.dropout,
    precision: options.precision,
    schedule: options.schedule,
    warmupSteps: options.warmupSteps,
    scheduleEpochs: options.scheduleEpochs,
    scheduleFactor: options.scheduleFactor,
    patience: options.patience,
    minDelta: options.minDelta,
  };
}
