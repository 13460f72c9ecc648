// What a training needs and can be looked for at once: before a job is queued, and before a run makes its first folder.

import { stat } from 'node:fs/promises';
import { AutomedError, automedError, NotFoundError } from '../../common/errors';
import { BASE_ARCHITECTURES, type ModelStore, referenceOf } from '../../store';
import type { TrainSpecInput } from './protocol';
import { LAYOUT_NAMES } from '../../datasets/layouts/read-data';

/** The fields of a training that name something which must exist. */
export type Named = Pick<TrainSpecInput, 'data' | 'base' | 'train' | 'startFrom' | 'backbone' | 'layout' | 'dataset'>;

/** What the fields of an error are to begin with, e.g. `spec.`. */
type Prefix = '' | 'spec.';

/** Says of an error which field of the request named what is wrong. */
function under<T>(field: string, work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    if (!(cause instanceof AutomedError)) throw cause;
    throw automedError(cause.code, cause.message, { field, cause });
  });
}

/**
 * Refuses data that is not there.
 * @throws NotFoundError, InvalidInputError with the field
 */
export async function checkDataExists(
  { data, layout, dataset }: Pick<Named, 'data' | 'layout' | 'dataset'>,
  prefix: Prefix = '',
): Promise<void> {
  if (layout !== undefined && !LAYOUT_NAMES.includes(layout)) {
    throw automedError('INVALID_ARGUMENT', `There is no layout "${layout}"; known are ${LAYOUT_NAMES.join(', ')}.`, {
      field: `${prefix}layout`,
    });
  }
  if (data === '') throw automedError('INVALID_ARGUMENT', 'No data is named.', { field: `${prefix}data` });
  // The copy of a data set in an object store is made by the run.
  if (dataset?.copyOf !== undefined) return;
  const found = await stat(data).catch((cause: unknown) => {
    throw automedError('NOT_FOUND', `The data folder ${data} cannot be read.`, { field: `${prefix}data`, cause });
  });
  if (found.isDirectory() || (found.isFile() && /\.csv$/i.test(data))) return;
  throw automedError('INVALID_ARGUMENT', `${data} is neither a folder nor a CSV file.`, { field: `${prefix}data` });
}

/** Whether a base that is missing is made: an architecture's name, where the encoder is trained from nothing. */
export function isMadeWhenMissing({ base, train }: Pick<Named, 'base' | 'train'>): boolean {
  return train === 'encoder' && Object.hasOwn(BASE_ARCHITECTURES, base);
}

/**
 * Looks for everything that a training names: its base, what it starts from, its data. Reads no image and no weights.
 * @throws NotFoundError, InvalidInputError with the field
 */
export async function checkNamed(spec: Named, store: ModelStore, prefix: Prefix = ''): Promise<void> {
  const { base, startFrom, backbone } = spec;
  await under(`${prefix}base`, store.resolveBase(base)).catch((error: unknown) => {
    if (!(error instanceof NotFoundError) || !isMadeWhenMissing(spec)) throw error;
  });
  if (startFrom !== undefined)
    await under(prefix === '' ? 'startFrom' : 'spec.start_from', store.resolveModel(startFrom));
  if (backbone !== undefined) await under(`${prefix}backbone`, store.resolveBackbone(backbone));
  await checkDataExists(spec, prefix);
}

/** The versions that a training's references mean now; of a base that is made when the run begins there is none yet. */
export async function versionsOf(
  spec: Named,
  store: ModelStore,
): Promise<Pick<Named, 'base' | 'startFrom' | 'backbone'>> {
  const { base, startFrom, backbone } = spec;
  const made = await store.resolveBase(base).catch((error: unknown) => {
    if (error instanceof NotFoundError && isMadeWhenMissing(spec)) return undefined;
    throw error;
  });
  return {
    base: made === undefined ? base : referenceOf(made),
    ...(startFrom === undefined ? {} : { startFrom: referenceOf(await store.resolveModel(startFrom)) }),
    ...(backbone === undefined ? {} : { backbone: referenceOf(await store.resolveBackbone(backbone)) }),
  };
}
