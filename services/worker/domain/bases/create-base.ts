import { join } from 'node:path';
import { baseArchitecture, RANDOM_ORIGIN, WEIGHTS_FILE, type ModelStore, type StoredBase } from '../../../store';
import type { CreateBaseSpec } from '../../protocol/protocol';

export type InitBase = (architecture: object, seed: number, weightsPath: string) => Promise<number>;

/** Registers a base of a named architecture with random weights; the same seed gives the same bytes. */
export async function createBase(
  store: ModelStore,
  { name, arch, seed }: Pick<CreateBaseSpec, 'name' | 'arch' | 'seed'>,
  initBase: InitBase,
): Promise<StoredBase> {
  const { family, architecture } = baseArchitecture(arch);
  return store.registerBase(
    {
      name,
      family,
      architecture,
      parameters: 0,
      origin: `${RANDOM_ORIGIN} ${arch}, seed ${seed}`,
      licence: 'Apache-2.0',
    },
    async (folder) => ({ parameters: await initBase(architecture, seed, join(folder, WEIGHTS_FILE)) }),
  );
}
