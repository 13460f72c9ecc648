import { typedErrors } from './errors';
import { loadAddon } from './native';
import type { ImportReport } from './types/training';

/**
 * Writes the weights of a published SAM or SAM-Med2D (.pth or safetensors) as a base's weights.safetensors. Runs nothing
 * of the file; memory does not grow with its size.
 * @param architecture JSON text of base.json's `architecture`
 * @param resizePositions interpolate position tables of another image size
 * @param adapterSeed the file is SAM's: adapters start at random from this seed; null: the file has them, or there are none
 * @throws CheckpointError: CHECKPOINT_MISMATCH lists every name that is missing, unexpected or of another shape;
 *   CHECKPOINT_CORRUPT means a damaged or hostile file
 */
export async function importBase(
  sourcePath: string,
  architecture: string,
  resizePositions: boolean,
  adapterSeed: number | null,
  weightsPath: string,
): Promise<ImportReport> {
  return typedErrors(() => loadAddon().importBase(sourcePath, architecture, resizePositions, adapterSeed, weightsPath));
}

/**
 * Writes torchvision's mobilenet_v3_large as the MobileNet of a head. Errors as for importBase().
 * @param improvedSe write the paper's squeeze-and-excitation blocks, drawn from `seed`, in place of the published ones
 */
export async function importMobileNet(
  sourcePath: string,
  improvedSe: boolean,
  seed: number,
  weightsPath: string,
): Promise<ImportReport> {
  return typedErrors(() => loadAddon().importMobileNet(sourcePath, improvedSe, seed, weightsPath));
}

/** Writes HarDNet-85's published trunk as AutoSAM's backbone. Errors as for importBase(). */
export async function importHarDNet(sourcePath: string, weightsPath: string): Promise<ImportReport> {
  return typedErrors(() => loadAddon().importHarDNet(sourcePath, weightsPath));
}
