// For which model's input a data set is checked: what is lost at its size depends on it.

import { resolve } from 'node:path';
import { inputOf, type ModelInput } from '../../checks/input-axes';
import { BASE_ARCHITECTURES, baseArchitecture } from '../../store/architectures';
import {
  headPreprocessing,
  standardPreprocessing,
  type BaseArchitecture,
  type Preprocessing,
} from '../../store/manifests';
import { existingStore } from '../../store/config';
import { loadConfig } from '../program/config';

export interface CheckedFor {
  /** NAME or NAME@VERSION of a base of the store. */
  base?: string;
  /** Of BASE_ARCHITECTURES. */
  architecture?: string;
  /** NAME, NAME@VERSION or NAME@ALIAS of a model of the store. */
  model?: string;
  home?: string;
  /** The base itself is trained, on one mask at a time. */
  eachMask?: boolean;
}

export interface CheckedInput extends ModelInput {
  /** What was named. */
  name: string;
}

export const ARCHITECTURE_NAMES: readonly string[] = Object.keys(BASE_ARCHITECTURES);

/** How a training on a base prepares images: a head of the default system, or the base itself. */
const trainedOn = (architecture: BaseArchitecture, eachMask: boolean): Preprocessing =>
  eachMask ? standardPreprocessing(architecture) : headPreprocessing({ kind: 'sam-automed' }, architecture);

/**
 * The input of what is named; undefined where nothing is.
 * @throws NotFoundError when the store lacks it
 */
export async function checkedInput(options: CheckedFor): Promise<CheckedInput | undefined> {
  const { base, architecture, model, home, eachMask = false } = options;
  if (architecture !== undefined) {
    const { architecture: named, published } = baseArchitecture(architecture);
    return { name: architecture, ...inputOf(trainedOn({ ...named, ...published }, eachMask)) };
  }
  if (base === undefined && model === undefined) return undefined;
  const store = await existingStore(resolve(home ?? loadConfig().home));
  if (model !== undefined) {
    const { manifest } = await store.resolveModel(model);
    return { name: `${manifest.name}@${manifest.version}`, ...inputOf(manifest.preprocessing) };
  }
  const { manifest } = await store.resolveBase(base ?? '');
  return { name: `${manifest.name}@${manifest.version}`, ...inputOf(trainedOn(manifest.architecture, eachMask)) };
}
