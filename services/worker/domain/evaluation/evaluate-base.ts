// A base measured as it is: how well it follows the prompts that the true masks make.

import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { makeFolder } from '../../../common/make-folder';
import { automedError } from '../../../common/errors';
import { type ModelStore, recordOf, standardPreprocessing, type StoredBase } from '../../../store';
import type { EvaluateBaseSpec, FinishedEvent, Emit } from '../../protocol/protocol';
import { summarise } from '../../../scoring/results/evaluation';
import type { Sample } from '../../../datasets/samples/sample';
import type { CreateTrainer } from '../ports/trainer';
import { inputOf } from '../../../checks/input-axes';
import { loadSamples } from '../data/load-data';
import { listSamples, structureNames } from '../../../datasets/split/divide';
import { resolveSource } from '../../../datasets/layouts/read-data';
import { recipeFor } from '../../protocol/recipes';
import { originsOf } from '../../../datasets/split/sample-origins';

export interface EvaluationDependencies {
  store: ModelStore;
  createTrainer: CreateTrainer;
  emit: Emit;
  signal: AbortSignal;
}

/** Warns of images that the base was trained on. */
async function tellSeen(
  base: StoredBase,
  samples: readonly Sample[],
  { emit, signal }: Pick<EvaluationDependencies, 'emit' | 'signal'>,
): Promise<void> {
  const origins = await originsOf(samples, recordOf(base), signal);
  const { name, version } = base.manifest;
  const seen = samples.filter((sample) => origins?.of.get(sample)?.seen).length;
  const unknown = `${name}@${version} does not record what it was trained on: images of it may be among the ${samples.length}`;
  const message = origins
    ? `${name}@${version} has seen ${seen} of the ${samples.length} images: the scores flatter it`
    : unknown;
  if (!origins || seen > 0) emit({ type: 'log', level: 'warn', message });
}

/** Resolves to the scores with the true boxes, and below `point` with one point in each mask. */
export async function evaluateBase(
  given: EvaluateBaseSpec,
  dependencies: EvaluationDependencies,
): Promise<FinishedEvent> {
  const { store, createTrainer, emit, signal } = dependencies;
  const spec = await resolveSource({ ...given, task: 'segmentation' as const });
  const structures = structureNames(spec);
  const base = await store.resolveBase(spec.base);
  await store.verify(base);
  const { eachMask = true } = spec;
  const { parts, ...folder } = await listSamples({ ...spec, eachMask });
  await makeFolder(spec.jobFolder);
  const trainer = await createTrainer({
    task: 'segmentation',
    device: spec.device,
    threads: spec.threads,
    baseArchitecture: base.manifest.architecture,
    baseWeightsPath: base.weightsPath,
    headArchitecture: null,
    preprocessing: null,
    headWeightsPath: null,
    backboneWeightsPath: null,
    train: 'head',
    structures: structures.length,
    seed: spec.seed,
    recipe: recipeFor('interactive', 'default', { batchSize: spec.batchSize }),
    processGroup: null,
    cachePath: join(spec.jobFolder, 'samples.bin'),
  });
  try {
    await tellSeen(base, parts[spec.part], dependencies);
    const only = { train: [], validation: [], test: [], [spec.part]: parts[spec.part] };
    const input = inputOf(standardPreprocessing(base.manifest.architecture));
    const options = { strict: spec.strict, whole: false, input, signal, emit };
    const loaded = await loadSamples({ ...folder, parts: only }, trainer, options);
    if (loaded.parts[spec.part].length === 0) {
      throw automedError('INVALID_ARGUMENT', `The part ${spec.part} has no samples.`, { field: 'data' });
    }
    const started = performance.now();
    const metrics = summarise(await trainer.evaluate(spec.part), { classes: [], structures });
    const seconds = (performance.now() - started) / 1000;
    const { name, version } = base.manifest;
    const skipped = loaded.skipped > 0 ? { skipped: loaded.skipped } : {};
    return { type: 'finished', base: `${name}@${version}`, metrics: { [spec.part]: metrics, ...skipped, seconds } };
  } finally {
    await trainer.close();
  }
}
