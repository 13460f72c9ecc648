import { basename, join } from 'node:path';
import { WEIGHTS_FILE, type BackboneArchitecture, type ModelStore, type StoredBackbone } from '../../../store';
import type { ImportBackboneSpec, ImportReport } from '../../protocol/import-protocol';
import { describeFile, reportOf, type WrittenWeights } from './import-base';

/** Writes the weights of `file` as a backbone; what the file does not have is drawn from `seed`. */
export type WriteBackbone = (
  file: string,
  architecture: BackboneArchitecture,
  seed: number,
  weightsPath: string,
) => Promise<WrittenWeights>;

/** Registers published ImageNet weights as the next version of a backbone, for heads to start from. */
export async function importBackbone(
  store: ModelStore,
  { name, file, kind, se, seed, licence }: Omit<ImportBackboneSpec, 'store'>,
  write: WriteBackbone,
): Promise<{ backbone: StoredBackbone; report: ImportReport }> {
  const architecture: BackboneArchitecture = kind === 'mobilenet-v3-large' ? { kind, se } : { kind };
  const described = await describeFile(file);
  const results: WrittenWeights[] = [];
  const backbone = await store.registerBackbone(
    { name, architecture, untrained: [], origin: '', licence },
    async (folder) => {
      const written = await write(file, architecture, seed, join(folder, WEIGHTS_FILE));
      results.push(written);
      const origin = `${basename(file)} (${written.format}, sha256 ${described.sha256})`;
      return { untrained: written.untrained, origin };
    },
  );
  return { backbone, report: reportOf(described, null, results, backbone) };
}
