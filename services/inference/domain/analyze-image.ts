import type { Lease, ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import { automedError } from '../../common/errors';
import type { MemoryBudget } from '../../common/memory-budget';
import { pixelAreaMm2, useImage, type ImageInput, type OpenedImage } from '../../imaging/image-input';
import type { Pixels } from '../../imaging/pixels/pixels';
import { nameClasses, type ClassifiedImage } from '../../classification/domain/classify-image';
import type { MaskEncoding } from '../../segmentation/domain/mask-encoding';
import type { DrawnMask } from '../../segmentation/domain/ports';
import { answerMasks, type SegmentedImage } from '../../segmentation/domain/segment-image';

const MAX_MODELS = 64;

/** What one model said, before it is encoded. */
export type Opinion =
  | { task: 'segmentation'; masks: readonly DrawnMask[]; threshold: number; structures: readonly string[] }
  | { task: 'classification'; probabilities: ArrayLike<number>; classes: readonly string[] };

/** A loaded model of either task, as far as grouping needs it. */
export interface AnyModel {
  readonly identity: ModelIdentity;
  /** How its images are prepared: what decides, beside the base, which models share an encoder pass. */
  readonly preprocessing: string;
  /** Masks that it draws of an image. */
  readonly maskCount: number;
}

export interface Analyzer<Model extends AnyModel> {
  acquire(reference: string): Promise<Lease<Model>>;
  /** Runs models of one base and one preprocessing after one encoder pass; opinions in their order. */
  run(
    models: readonly Model[],
    pixels: Pixels,
    options: RunOptions,
  ): Promise<{ opinions: Opinion[]; timings: RunTimings }>;
}

export interface AnalyzeCommand {
  image: OpenedImage;
  /** At least one; checked by checkReferences(). */
  references: readonly string[];
  encoding: MaskEncoding;
  options: () => RunOptions;
}

export type Finding =
  { task: 'segmentation'; answer: SegmentedImage } | { task: 'classification'; answer: ClassifiedImage };

export interface AnalyzedImage {
  /** In the order of the references. */
  findings: Finding[];
  baseCount: number;
  encoderPassCount: number;
}

/** @throws InvalidInputError (field `additional_models`) */
export function checkReferences(references: readonly string[]): readonly string[] {
  if (references.length <= MAX_MODELS) return references;
  const text = `The request names ${references.length} models; at most ${MAX_MODELS} are accepted.`;
  throw automedError('INVALID_ARGUMENT', text, { field: 'additional_models' });
}

/** Asks several models about one image, which is decoded once and encoded at most once for each base and preprocessing. */
export async function analyzeImage<Model extends AnyModel>(
  analyzer: Analyzer<Model>,
  command: AnalyzeCommand,
  memory: MemoryBudget,
): Promise<AnalyzedImage> {
  const leases = await acquireAll(analyzer, command.references);
  try {
    const groups = groupByInput(leases.map(({ model }) => model));
    // The masks of one group are encoded before the next one draws.
    const masks = Math.max(...groups.map((group) => group.reduce((sum, { model }) => sum + model.maskCount, 0)));
    return await useImage(command.image, memory, { masks, wait: command.options }, (input) =>
      askEach(analyzer, groups, command, input),
    );
  } finally {
    for (const lease of leases) lease.release();
  }
}

/** Models of one base, with their places among the references. */
type Group<Model> = { model: Model; position: number }[];

async function askEach<Model extends AnyModel>(
  analyzer: Analyzer<Model>,
  groups: readonly Group<Model>[],
  { options, encoding }: AnalyzeCommand,
  { pixels, facts, decodeMs }: ImageInput,
): Promise<AnalyzedImage> {
  const findings: Finding[] = [];
  let encoderPassCount = 0;
  for (const group of groups) {
    const models = group.map(({ model }) => model);
    const { opinions, timings } = await analyzer.run(models, pixels, options());
    if (!timings.embeddingCached) encoderPassCount += 1;
    for (const [at, { model, position }] of group.entries()) {
      const common = { facts, identity: model.identity, timings: { ...timings, decodeMs, encodeMs: 0 } };
      findings[position] = await toFinding(opinions[at] as Opinion, common, encoding);
    }
  }
  const bases = new Set(groups.flat().map(({ model }) => baseOf(model)));
  return { findings, baseCount: bases.size, encoderPassCount };
}

type Common = Pick<SegmentedImage, 'facts' | 'identity' | 'timings'>;

/** Turns an opinion into the answer that the model's own service would give. */
async function toFinding(opinion: Opinion, common: Common, encoding: MaskEncoding): Promise<Finding> {
  if (opinion.task === 'classification') {
    const named = nameClasses(opinion.classes, opinion.probabilities);
    return { task: 'classification', answer: { ...named, ...common } };
  }
  const started = performance.now();
  const masks = await answerMasks(opinion.masks, opinion.structures, encoding, pixelAreaMm2(common.facts));
  const timings = { ...common.timings, encodeMs: performance.now() - started };
  return { task: 'segmentation', answer: { masks, threshold: opinion.threshold, ...common, timings } };
}

/** All of them, or none: what was acquired before a failure is let go. */
async function acquireAll<Model extends AnyModel>(
  analyzer: Analyzer<Model>,
  references: readonly string[],
): Promise<Lease<Model>[]> {
  const settled = await Promise.allSettled(references.map((reference) => analyzer.acquire(reference)));
  const failure = settled.findIndex(({ status }) => status === 'rejected');
  const leases = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (failure < 0) return leases;
  for (const lease of leases) lease.release();
  throw atFault((settled[failure] as PromiseRejectedResult).reason, failure);
}

/** The error with the field of the request that names the model. */
function atFault(reason: unknown, position: number): unknown {
  const { code, message, field } = reason as Partial<{ code: string; message: string; field: string }>;
  if (position === 0 || field !== 'model' || code === undefined || message === undefined) return reason;
  const detail = { field: `additional_models[${position - 1}]`, cause: reason };
  return automedError(code as Parameters<typeof automedError>[0], message, detail);
}

function baseOf({ identity }: AnyModel): string {
  return `${identity.baseName}@${identity.baseVersion}:${identity.baseSha256}`;
}

/** Models that see the same input of the same encoder. */
function groupByInput<Model extends AnyModel>(models: readonly Model[]): Group<Model>[] {
  const groups = new Map<string, Group<Model>>();
  models.forEach((model, position) => {
    const key = `${baseOf(model)}:${model.preprocessing}`;
    groups.set(key, [...(groups.get(key) ?? []), { model, position }]);
  });
  return [...groups.values()];
}
