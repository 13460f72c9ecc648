import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { automedError } from '../../../common/errors';
import {
  baseArchitecture,
  sha256OfFile,
  WEIGHTS_FILE,
  type BaseArchitecture,
  type ModelStore,
  type StoredBackbone,
  type StoredBase,
} from '../../../store';
import type { ImportReport, ImportSpec } from '../../protocol/import-protocol';

/** What the native import tells of its work. */
export interface WrittenWeights {
  format: string;
  prefix: string;
  tensors: number;
  parameters: number;
  converted: ImportReport['converted'];
  leftOut: string[];
  untrained: string[];
}

export interface WriteOptions {
  /** Position tables of another image size are interpolated; otherwise they are an error. */
  resizePositions: boolean;
  /** The file has no adapters: they start at random from this seed. */
  adapterSeed: number | null;
}

/** Writes the weights of `file` as a base of `architecture`. */
export type WriteBase = (
  file: string,
  architecture: object,
  options: WriteOptions,
  weightsPath: string,
) => Promise<WrittenWeights>;

/**
 * Whether a checksum is the one that a published file's name announces: `sam_vit_b_01ec64.pth`,
 * `mobilenet_v3_large-8738ca79.pth`. Null when the name announces none; digits alone are more likely a date.
 */
export function matchesName(file: string, sha256: string): boolean | null {
  const announced = /[-_](?=[0-9]*[a-f])([0-9a-f]{6,8})\.[a-z]+$/.exec(file)?.[1];
  return announced === undefined ? null : sha256.startsWith(announced);
}

export async function describeFile(path: string): Promise<Omit<ImportReport['file'], 'format'>> {
  const name = basename(path);
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile()) throw automedError('NOT_FOUND', `There is no file ${path}.`, { field: 'file' });
  const sha256 = await sha256OfFile(path);
  return { name, bytes: facts.size, sha256, named: matchesName(name, sha256) };
}

/** The architecture with what the weights know of images. A file that becomes SAM-Med2D's start is still SAM's. */
function architectureOf(spec: Omit<ImportSpec, 'store'>): BaseArchitecture {
  const { architecture, published } = baseArchitecture(spec.arch);
  const known = { ...architecture, ...(spec.newAdapters ? {} : published) };
  const { imageSize = known.image_size, fit = known.fit, channels = known.channels, resize = known.resize } = spec;
  return {
    ...known,
    image_size: imageSize,
    fit,
    ...(channels === undefined ? {} : { channels }),
    ...(resize === undefined ? {} : { resize }),
  };
}

/** Registers published weights as the next version of a base. */
export async function importBase(
  store: ModelStore,
  spec: Omit<ImportSpec, 'store'>,
  write: WriteBase,
): Promise<{ base: StoredBase; report: ImportReport }> {
  const { name, file, arch, imageSize, newAdapters, seed, licence } = spec;
  const { family } = baseArchitecture(arch);
  const architecture = architectureOf(spec);
  if (newAdapters && !architecture.adapter) {
    throw automedError('INVALID_ARGUMENT', `The architecture ${arch} has no adapters.`, { field: 'newAdapters' });
  }
  const described = await describeFile(file);
  const results: WrittenWeights[] = [];
  const base = await store.registerBase(
    { name, family, architecture, parameters: 0, origin: '', licence },
    async (folder) => {
      const options = { resizePositions: imageSize !== undefined, adapterSeed: newAdapters ? seed : null };
      const written = await write(file, architecture, options, join(folder, WEIGHTS_FILE));
      results.push(written);
      const { format, parameters } = written;
      const adapters = newAdapters ? `, adapters at random from seed ${seed}` : '';
      const origin = `${described.name} (${format}, sha256 ${described.sha256}), architecture ${arch}${adapters}`;
      return { parameters, origin };
    },
  );
  return { base, report: reportOf(described, architecture.image_size, results, base) };
}

/** What an import tells: of the file, of what was written, of the registered version. */
export function reportOf(
  file: Omit<ImportReport['file'], 'format'>,
  imageSize: number | null,
  results: readonly WrittenWeights[],
  { manifest }: StoredBase | StoredBackbone,
): ImportReport {
  const [written] = results;
  if (!written) throw automedError('INTERNAL', 'The import registered a version without writing it.');
  const { format, prefix, tensors, parameters, converted, leftOut, untrained } = written;
  const { bytes, sha256 } = manifest.weights;
  return {
    file: { ...file, format },
    imageSize,
    weights: { tensors, parameters, bytes, sha256 },
    prefix,
    converted,
    leftOut,
    untrained,
  };
}
