import type { ModelInfo__Output } from '../../../proto/gen/automed/common/v1/ModelInfo';
import type { Timings__Output } from '../../../proto/gen/automed/common/v1/Timings';
import type { ClassifyResponse__Output } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { round } from './statistics';

// JSON answers are spelled as the protos spell their fields.

function modelJson(model: ModelInfo__Output | null): object | null {
  if (model === null) return null;
  return {
    name: model.name,
    version: model.version,
    weights_sha256: model.weightsSha256,
    base_name: model.baseName,
    base_version: model.baseVersion,
    base_sha256: model.baseSha256,
    precision: model.precision,
  };
}

function timingsJson(timings: Timings__Output | null): object | null {
  if (timings === null) return null;
  const rounded = (value: number): number => round(value, 3);
  return {
    decode_ms: rounded(timings.decodeMs),
    queue_ms: rounded(timings.queueMs),
    preprocess_ms: rounded(timings.preprocessMs),
    inference_ms: rounded(timings.inferenceMs),
    postprocess_ms: rounded(timings.postprocessMs),
    encode_ms: rounded(timings.encodeMs),
    total_ms: rounded(timings.totalMs),
    batch_size: timings.batchSize,
  };
}

export function segmentJson(answer: SegmentResponse__Output): object {
  const { mask } = answer;
  const box = mask?.boundingBox;
  return {
    structure: mask?.structure,
    width_px: mask?.widthPx,
    height_px: mask?.heightPx,
    area_px: Number(mask?.areaPx ?? 0),
    bounding_box: box ? { x_px: box.xPx, y_px: box.yPx, width_px: box.widthPx, height_px: box.heightPx } : null,
    mean_foreground_probability: mask?.meanForegroundProbability ?? null,
    threshold: round(answer.threshold, 6),
    model: modelJson(answer.model),
    timings: timingsJson(answer.timings),
  };
}

export function segmentLine(answer: SegmentResponse__Output): string {
  const { mask, timings } = answer;
  if (mask === null) return 'no mask';
  const area = Number(mask.areaPx);
  const size = `${mask.widthPx} x ${mask.heightPx}`;
  const time = `${(timings?.totalMs ?? 0).toFixed(0)} ms`;
  const structure = mask.structure === '' ? 'foreground' : mask.structure;
  if (area === 0 || !mask.boundingBox) return `no ${structure} in ${size}, ${time}`;
  const { xPx, yPx, widthPx, heightPx } = mask.boundingBox;
  const share = ((100 * area) / (mask.widthPx * mask.heightPx)).toFixed(1);
  const sure = mask.meanForegroundProbability?.toFixed(2) ?? '-';
  const box = `box ${xPx},${yPx} ${widthPx} x ${heightPx}`;
  return `${structure} covers ${share} % (${area} px) of ${size}, ${box}, mean probability ${sure}, ${time}`;
}

export function classifyJson(answer: ClassifyResponse__Output): object {
  return {
    predicted_class: answer.predictedClass,
    probabilities: Object.fromEntries(
      answer.probabilities.map(({ className, probability }) => [className, round(probability, 6)]),
    ),
    model: modelJson(answer.model),
    timings: timingsJson(answer.timings),
  };
}

export function classifyLine(answer: ClassifyResponse__Output, top: number): string {
  const ranked = [...answer.probabilities].sort((left, right) => right.probability - left.probability).slice(0, top);
  const list = ranked.map(({ className, probability }) => `${className} ${probability.toFixed(3)}`);
  return `${list.join(', ')}, ${(answer.timings?.totalMs ?? 0).toFixed(0)} ms`;
}
