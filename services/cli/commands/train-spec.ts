// The specification that the flags of `automed train` make.

import type { Task, Terms } from '../../store';
import type { TrainingJobSpecInput } from '../../worker/protocol/protocol';
import { UsageError } from '../program/errors';
import type { RunOptions } from '../training/run';
import type { LayoutOptions, Structure } from './options';
import { recipeOverrides, type RecipeOptions } from './recipe-flags';

/** What the flags say. */
export interface TrainOptions extends RunOptions, LayoutOptions, RecipeOptions {
  data?: string;
  base: string;
  name: string;
  system?: string;
  recipe: string;
  train: 'head' | 'adapters' | 'encoder';
  seed: number;
  validationFraction: number;
  testFraction: number;
  limit?: number;
  groupColumn?: string;
  intensity?: string;
  masksDir?: string;
  maskValues?: string;
  structure: string;
  structures?: Structure[];
  threshold: number;
  mobilenetWidth?: number;
  se?: 'improved' | 'plain';
  attention?: boolean;
  baseName?: string;
  startFrom?: string;
  backbone?: string;
  device: string;
  threads?: number;
  decodeThreads?: number;
  ranks: number;
  checkpointSeconds: number;
  keepCheckpoints: number;
  embeddingCache?: number;
  licence?: string;
  terms?: Terms;
  strict?: boolean;
  allowDataProblems?: boolean;
  json?: boolean;
  reportImages: boolean;
  images: boolean;
  pictures: boolean;
}

/** What to train on: a folder, or a registered data set. */
function dataOf({ data, dataset }: TrainOptions): string {
  if ((data === undefined) === (dataset === undefined)) {
    throw new UsageError('what to train on is --data FOLDER, or --dataset NAME for a registered data set');
  }
  return data ?? '';
}

export function trainSpec(task: Task, options: TrainOptions): TrainingJobSpecInput {
  const head = {
    mobilenetWidth: options.mobilenetWidth,
    se: options.se,
    // Commander's --no-attention is true when it is not given.
    attention: options.attention === false ? false : undefined,
  };
  return {
    task,
    name: options.name,
    system: options.system,
    data: dataOf(options),
    layout: options.layout,
    columns: options.columns,
    masksDir: options.masksDir,
    structures: options.structures,
    groupColumn: options.groupColumn,
    maskValues: options.maskValues,
    intensity: options.intensity,
    testFraction: options.testFraction,
    limit: options.limit,
    validationFraction: options.validationFraction,
    strict: options.strict === true,
    allowDataProblems: options.allowDataProblems === true,
    base: options.base,
    train: options.train,
    baseName: options.baseName,
    startFrom: options.startFrom,
    backbone: options.backbone,
    recipe: options.recipe,
    overrides: given(recipeOverrides(options)),
    head: given(head),
    structure: options.structure,
    threshold: options.threshold,
    seed: options.seed,
    device: options.device,
    threads: options.threads,
    ranks: options.ranks,
    decodeThreads: options.decodeThreads,
    checkpointSeconds: options.checkpointSeconds,
    keepCheckpoints: options.keepCheckpoints,
    ...(options.embeddingCache === undefined ? {} : { embeddingCacheBytes: Math.floor(options.embeddingCache * 1e6) }),
    reportImages: options.reportImages && options.images && options.pictures,
    ...(options.licence === undefined ? {} : { licence: options.licence }),
    ...(options.terms === undefined ? {} : { terms: options.terms }),
  };
}

/** Without the properties that are undefined: absent and undefined differ for the worker. */
function given<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
