// A base measured as it is: how well it follows the prompts that the true masks make.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { automedError } from '../../common/errors';
import type { ModelStore } from '../../store';
import type { EvaluateBaseSpec, FinishedEvent } from '../protocol';
import { summarise } from './evaluation';
import type { CreateTrainer } from './ports';
import { inputOf } from './masks/mask-facts';
import { listSamples, loadSamples, structureNames, type Emit } from './prepare-data';
import { resolveSource } from './read-data';
import { recipeFor } from './recipes';
import { INTERACTIVE } from './systems';

export interface EvaluationDependencies {
  store: ModelStore;
  createTrainer: CreateTrainer;
  emit: Emit;
  signal: AbortSignal;
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
  const { parts, ...folder } = await listSamples({ ...spec, system: INTERACTIVE });
  await mkdir(spec.jobFolder, { recursive: true });
  const trainer = await createTrainer({
    task: 'segmentation',
    device: spec.device,
    threads: spec.threads,
    baseArchitecture: base.manifest.architecture,
    baseWeightsPath: base.weightsPath,
    headArchitecture: null,
    headWeightsPath: null,
    backboneWeightsPath: null,
    encoder: 'frozen',
    structures: structures.length,
    seed: spec.seed,
    recipe: recipeFor('interactive', 'default', { batchSize: spec.batchSize }),
    gang: null,
    cachePath: join(spec.jobFolder, 'samples.bin'),
  });
  try {
    const only = { train: [], validation: [], test: [], [spec.part]: parts[spec.part] };
    const input = inputOf(base.manifest);
    const loaded = await loadSamples({ ...folder, parts: only }, trainer, { strict: spec.strict, input, signal, emit });
    if (loaded.parts[spec.part].length === 0) {
      throw automedError('INVALID_ARGUMENT', `The part ${spec.part} has no samples.`, { field: 'data' });
    }
    const started = performance.now();
    const metrics = summarise(await trainer.evaluate(spec.part), { classes: [], structures });
    const seconds = (performance.now() - started) / 1000;
    const { name, version } = base.manifest;
    return { type: 'finished', base: `${name}@${version}`, metrics: { [spec.part]: metrics, seconds } };
  } finally {
    await trainer.close();
  }
}
