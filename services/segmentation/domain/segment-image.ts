import { automedError } from '../../common/errors';
import type { MemoryBudget } from '../../common/memory-budget';
import { stage } from '../../common/stages';
import { pixelAreaMm2, useImage, type ImageFacts, type OpenedImage } from '../../imaging/image-input';
import type { ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import { encodeGreyPng } from '../../imaging/grey-png';
import { encodeMask, type EncodedMask, type MaskEncoding } from './mask-encoding';
import type { DrawnMask, SegmentationModel } from './ports';

export interface SegmentCommand {
  image: OpenedImage;
  /** (0, 1); absent: the model's own. */
  threshold: number | undefined;
  encoding: MaskEncoding;
  /** Whether the probability of each pixel is wanted. */
  probabilities?: boolean;
  options: () => RunOptions;
}

/** A mask as it is answered. */
export interface AnsweredMask {
  /** Without the pixels, which are encoded. */
  drawn: Omit<DrawnMask, 'mask' | 'probabilities'>;
  encoded: EncodedMask;
  /** Grey PNG of the probability of each pixel; absent unless asked for. */
  probabilityPng?: Uint8Array | undefined;
  /** Absent where the pixel spacing is not known. */
  areaMm2: number | undefined;
  /** What it shows; empty when nobody named it. */
  structure: string;
}

export interface SegmentedImage {
  facts: ImageFacts;
  /** In the order of the model's structures. */
  masks: AnsweredMask[];
  threshold: number;
  identity: ModelIdentity;
  timings: RunTimings & { decodeMs: number; encodeMs: number };
}

/** Draws and encodes the masks of one image. */
export async function segmentImage(
  model: SegmentationModel,
  command: SegmentCommand,
  memory: MemoryBudget,
): Promise<SegmentedImage> {
  const threshold = command.threshold ?? model.threshold;
  const { probabilities = false } = command;
  // A picture of probabilities takes no more than a mask.
  const admission = { masks: model.structures.length * (probabilities ? 2 : 1), wait: command.options };
  return useImage(command.image, memory, admission, async ({ pixels, facts, decodeMs }) => {
    const { masks, timings } = await model.segment(pixels, threshold, command.options(), probabilities);
    const started = performance.now();
    const answered = await stage('encode-answer', () =>
      answerMasks(masks, model.structures, command.encoding, pixelAreaMm2(facts)),
    );
    return {
      masks: answered,
      facts,
      threshold,
      identity: model.identity,
      timings: { ...timings, decodeMs, encodeMs: performance.now() - started },
    };
  });
}

/**
 * Encodes masks, one after another so that no more than one is in memory twice, and names them; `structures` has a name
 * for each or is empty.
 * @param areaMm2 of one pixel
 */
export async function answerMasks(
  masks: readonly DrawnMask[],
  structures: readonly string[],
  encoding: MaskEncoding,
  areaMm2: number | undefined,
): Promise<AnsweredMask[]> {
  const answered: AnsweredMask[] = [];
  for (const [index, drawn] of masks.entries()) {
    const { mask: _mask, probabilities, ...measures } = drawn;
    answered.push({
      drawn: measures,
      encoded: await encodeMask(drawn, encoding),
      ...(probabilities ? { probabilityPng: await encodeGreyPng(probabilities) } : {}),
      areaMm2: areaMm2 === undefined ? undefined : drawn.areaPx * areaMm2,
      structure: structures[index] ?? '',
    });
  }
  return answered;
}

/** @throws InvalidInputError (field `threshold`) */
export function checkThreshold(threshold: number | undefined): number | undefined {
  if (threshold === undefined || (threshold > 0 && threshold < 1)) return threshold;
  throw automedError('INVALID_ARGUMENT', `A threshold of ${threshold} is outside (0, 1).`, { field: 'threshold' });
}
