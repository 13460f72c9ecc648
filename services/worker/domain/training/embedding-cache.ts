// The disk that a run may use for embeddings of its frozen encoder, and what is told about it.

import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredBase } from '../../../store';
import type { TrainSpec, Emit } from '../../protocol/protocol';
import { EMBEDDINGS_FILE } from '../../job-folder/job-state';
import type { EmbeddingCache, TrainerPort } from '../ports/trainer';
import type { PreparedData } from '../data/load-data';
import type { Recipe } from '../../protocol/recipes';

/** Of the free disk, unless the specification says how much. */
const DEFAULT_SHARE = 1 / 4;

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Where the run keeps embeddings; undefined when it shall not. The job folder must exist. */
export async function embeddingCacheFor(spec: TrainSpec, base: StoredBase): Promise<EmbeddingCache | undefined> {
  const { jobFolder, embeddingCacheBytes } = spec;
  const maxBytes = embeddingCacheBytes ?? Math.floor(DEFAULT_SHARE * (await freeBytes(jobFolder)));
  if (maxBytes === 0) return undefined;
  return { path: join(jobFolder, EMBEDDINGS_FILE), maxBytes, base: base.manifest.weights.sha256 };
}

/** In how many ways the augmentation shows an image; undefined: no way comes again. */
export function variantsOf(recipe: Recipe): number | undefined {
  const flips = (recipe.horizontalFlip ? 2 : 1) * (recipe.verticalFlip ? 2 : 1);
  if (recipe.rotationDegrees === 0) return flips;
  return recipe.rotationSteps === 0 ? undefined : flips * recipe.rotationSteps;
}

/** Says before the first step what the cache can do for this run. */
export async function tellEmbeddingCache(
  trainer: TrainerPort,
  recipe: Recipe,
  { parts }: PreparedData,
  emit: Emit,
): Promise<void> {
  const stats = await trainer.embeddingStats();
  if (!stats) return;
  const variants = variantsOf(recipe);
  if (variants === undefined) {
    const message =
      'The rotation shows every image anew, so the frozen encoder runs for each training image of each epoch; with fixed ' +
      'angles (rotationSteps) its embeddings would be kept.';
    emit({ type: 'log', level: 'info', message });
  }
  const wanted = parts.train.length * (variants ?? 0) + parts.validation.length + parts.test.length;
  if (stats.capacity < wanted) {
    const message = `The embedding cache holds ${stats.capacity} of up to ${wanted} embeddings; the rest is computed each time.`;
    emit({ type: 'log', level: 'info', message });
  }
}

/** Says after the last step when the cache could not grow. */
export async function tellEmbeddingProblem(trainer: TrainerPort, emit: Emit): Promise<void> {
  const stats = await trainer.embeddingStats();
  if (!stats?.problem) return;
  const message = `The embedding cache stopped at ${stats.kept} embeddings: ${stats.problem}. The rest was computed each time.`;
  emit({ type: 'log', level: 'warn', message });
}
