import { automedError } from '../../common/errors';
import { readImage } from '../../imaging/image-input';
import type { ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import type { DecodeLimits } from '../../imaging/decode';
import { encodeMask, type EncodedMask, type MaskEncoding } from './mask-encoding';
import type { DrawnMask, SegmentationModel } from './ports';

export interface SegmentCommand {
  image: Parameters<typeof readImage>[0];
  /** Absent: the model's own. */
  threshold: number | undefined;
  encoding: MaskEncoding;
  options: () => RunOptions;
}

export interface SegmentedImage {
  drawn: DrawnMask;
  encoded: EncodedMask;
  /** Absent when the request gave no pixel spacing. */
  areaMm2: number | undefined;
  threshold: number;
  structure: string;
  identity: ModelIdentity;
  timings: RunTimings & { decodeMs: number; encodeMs: number };
}

/** Draws and encodes the mask of one image. */
export async function segmentImage(
  model: SegmentationModel,
  command: SegmentCommand,
  limits: DecodeLimits,
): Promise<SegmentedImage> {
  const threshold = checkThreshold(command.threshold) ?? model.threshold;
  const { pixels, pixelAreaMm2, decodeMs } = await readImage(command.image, limits);
  const drawn = await model.segment(pixels, threshold, command.options());
  const started = performance.now();
  const encoded = await encodeMask(drawn, command.encoding);
  return {
    drawn,
    encoded,
    areaMm2: pixelAreaMm2 === undefined ? undefined : drawn.areaPx * pixelAreaMm2,
    threshold,
    structure: model.structure,
    identity: model.identity,
    timings: { ...drawn.timings, decodeMs, encodeMs: performance.now() - started },
  };
}

function checkThreshold(threshold: number | undefined): number | undefined {
  if (threshold === undefined || (threshold > 0 && threshold < 1)) return threshold;
  throw automedError('INVALID_ARGUMENT', `A threshold of ${threshold} is outside (0, 1).`, { field: 'threshold' });
}
