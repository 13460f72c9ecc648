import { excerpt } from '../../common/bounded-text';
import { AutomedError, automedError } from '../../common/errors';
import type { StoredBase, StoredModel } from '../../store';

interface Names {
  resolveModel(reference: string): Promise<StoredModel>;
  resolveBase(reference: string): Promise<StoredBase>;
}

/**
 * The base that a reference means: a base itself, or that of a segmentation model. Only models have aliases, so
 * `name@alias` is a model. Where both share a name, the base is meant.
 */
export async function resolveBaseOrModel(names: Names, reference: string): Promise<StoredBase> {
  const selector = reference.split('@')[1] ?? '';
  if (/^\d*$/.test(selector)) {
    const base = await unlessMissing(names.resolveBase(reference));
    if (base) return base;
  }
  const model = await unlessMissing(names.resolveModel(reference));
  if (!model) {
    const text = `There is no base and no segmentation model "${excerpt(reference)}".`;
    throw automedError('NOT_FOUND', text, { field: 'model' });
  }
  const { manifest } = model;
  if (manifest.task !== 'segmentation') {
    const text = `${manifest.name}@${manifest.version} is a ${manifest.task} model; prompts need a base or a segmentation model.`;
    throw automedError('WRONG_TASK', text, { field: 'model' });
  }
  const base = await names.resolveBase(`${manifest.base.name}@${manifest.base.version}`);
  if (base.manifest.weights.sha256 === manifest.base.sha256) return base;
  const text = `${manifest.name}@${manifest.version} was trained on another ${manifest.base.name} than the store has.`;
  throw automedError('CHECKPOINT_MISMATCH', text);
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof AutomedError && error.code === 'NOT_FOUND') return undefined;
    if (error instanceof AutomedError && error.field === 'base') {
      throw automedError(error.code, error.message, { field: 'model', cause: error });
    }
    throw error;
  }
}
