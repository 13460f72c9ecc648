// `automed segment --base`: masks of what a person points at, or of everything.

import type { PromptedAnswer } from '../../terminal/answers';
import type { BoxPrompt } from '../../../proto/gen/automed/segmentation/v1/BoxPrompt';
import type { PointPrompt } from '../../../proto/gen/automed/segmentation/v1/PointPrompt';
import type { AutomedClient } from '../../client';
import { imageOf } from './options';
import { UsageError } from '../program/errors';

/** Options that describe objects instead of naming a model. */
export interface PromptOptions {
  base?: string;
  point?: PointPrompt[];
  box?: BoxPrompt[];
  multimask?: boolean;
  everything?: boolean;
  pointsPerSide?: number;
  minIou?: number;
  minStability?: number;
  embedding?: string;
}

/** Says what is wrong with the combination of options, before anything is started. */
export function checkPromptOptions(
  options: PromptOptions & { model?: string; threshold?: number },
  imageCount: number,
): void {
  const { model, base, point, box, everything, embedding } = options;
  const prompts = point !== undefined || box !== undefined;
  if (model === undefined && base === undefined) {
    throw new UsageError('name a --model, or a --base with --point, --box or --everything');
  }
  if (model !== undefined && base !== undefined) throw new UsageError('--model and --base exclude each other');
  if (model !== undefined && (prompts || everything)) {
    throw new UsageError('--point, --box and --everything need a --base (a segmentation model names its base, too)');
  }
  if (base !== undefined && !prompts && !everything)
    throw new UsageError('--base needs --point, --box or --everything');
  if (everything && prompts) throw new UsageError('--everything takes neither --point nor --box');
  if (embedding !== undefined && (base === undefined || imageCount > 1)) {
    throw new UsageError('--embedding is that of one image, and goes with --base');
  }
  if (everything && options.threshold !== undefined) throw new UsageError('--everything takes no --threshold');
}

/** Asks the base about one image; sends the image only where its embedding is not at hand. */
export async function segmentPrompted(
  client: AutomedClient,
  bytes: Buffer,
  options: PromptOptions & { threshold?: number; frame?: number },
): Promise<PromptedAnswer> {
  const { base: model = '', embedding, point = [], box = [], multimask = false, threshold } = options;
  const image = client.interactive.open({ model, image: imageOf(bytes, options.frame), embeddingId: embedding });
  if (options.everything) {
    const { pointsPerSide, minIou, minStability } = options;
    const found = await image.segmentEverything({
      ...(pointsPerSide === undefined ? {} : { pointsPerSide }),
      ...(minIou === undefined ? {} : { minPredictedIou: minIou }),
      ...(minStability === undefined ? {} : { minStability }),
    });
    return { ...found, masks: found.masks.flatMap(({ mask, ...rest }) => (mask ? [{ mask, ...rest }] : [])) };
  }
  const predicted = await image.predictMasks({
    points: point,
    boxes: box,
    multimask,
    ...(threshold === undefined ? {} : { threshold }),
  });
  return { ...predicted, masks: predicted.masks.flatMap(({ mask, ...rest }) => (mask ? [{ mask, ...rest }] : [])) };
}
