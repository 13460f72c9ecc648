// The numbers of a recipe as flags of `automed train`; each replaces the recipe's. A flag has the name of the number; some have a
// short one as well, which comes first.

import { Option, type Command } from 'commander';
import { recipeFor, recipeSchema, type Recipe, type RecipeFamily } from '../../worker/protocol/recipes';
import { number, whole } from './options';

export type RecipeOptions = Partial<Recipe>;

/** Says behind each option what the default recipe has; the value itself stays the recipe's. */
function describeDefaults(command: Command, family: RecipeFamily): void {
  for (const [key, value] of Object.entries(recipeFor(family))) {
    const option = command.options.find((each) => each.attributeName() === key && !each.negate);
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
    .option('--batch, --batch-size <count>', 'images per step', whole(1))
    .option('--accumulate, --accumulation-steps <count>', 'batches whose gradients make one step', whole(1))
    .option('--lr, --learning-rate <rate>', 'learning rate', number({ min: 0, open: true }))
    .option('--weight-decay <factor>', 'L2 penalty (adam) or decoupled decay (adamw)', number({ min: 0 }))
    .addOption(new Option('--optimizer <name>', 'how weights are changed').choices(optimizer.options))
    .option(
      '--dropout <share>',
      "of values dropped while training (default: the network's own)",
      number({ min: 0, max: 0.99 }),
    )
    .option('--clip, --gradient-clip <norm>', 'norm that the gradients of a step may have; 0: any', number({ min: 0 }))
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
    .option(
      '--bn-momentum, --batch-norm-momentum <share>',
      "of batch norm's running statistics",
      number({ min: 0, max: 1 }),
    )
    .addOption(
      new Option('--batch-norm <how>', 'statistics to evaluate with: as they ran, or measured anew').choices(
        batchNorm.options,
      ),
    )
    .option('--hflip, --horizontal-flip', 'mirror images at random, left to right')
    .option('--no-hflip, --no-horizontal-flip', 'do not')
    .option('--vflip, --vertical-flip', 'mirror images at random, top to bottom')
    .option('--no-vflip, --no-vertical-flip', 'do not')
    .option(
      '--rotation, --rotation-degrees <degrees>',
      'rotate images at random within (-degrees, degrees)',
      number({ min: 0, max: 180 }),
    )
    .option(
      '--rotation-steps <count>',
      'by this many fixed angles, so that embeddings can be kept; 0: by any',
      whole(0, 3600),
    );
  describeDefaults(command, family);
}

/** What the flags say of the recipe; undefined where the recipe stands. */
export function recipeOverrides(options: RecipeOptions): { [K in keyof Recipe]: Recipe[K] | undefined } {
  const keys = Object.keys(recipeSchema.shape) as (keyof Recipe)[];
  return Object.fromEntries(keys.map((key) => [key, options[key]])) as ReturnType<typeof recipeOverrides>;
}
