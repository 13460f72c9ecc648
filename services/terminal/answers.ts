import type { Mask__Output } from '../../proto/gen/automed/common/v1/Mask';
import type { DicomFrame__Output } from '../../proto/gen/automed/common/v1/DicomFrame';
import type { AnalyzeResponse__Output } from '../../proto/gen/automed/analysis/v1/AnalyzeResponse';
import type { ModelInfo__Output } from '../../proto/gen/automed/common/v1/ModelInfo';
import type { Timings__Output } from '../../proto/gen/automed/common/v1/Timings';
import type { ClassifyResponse__Output } from '../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { SegmentResponse__Output } from '../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { dicomFrameJson, dicomFrameText } from './dicom-frame';
import { round } from './statistics';
import type { BaseInfo__Output } from '../../proto/gen/automed/common/v1/BaseInfo';

// JSON answers are spelled as the protos spell their fields.

/** `float32`, `bfloat16` or `float16`. */
const precisionWord = (precision: string): string => precision.replace('PRECISION_', '').toLowerCase();

function modelJson(model: ModelInfo__Output | null): object | null {
  if (model === null) return null;
  return {
    name: model.name,
    version: model.version,
    weights_sha256: model.weightsSha256,
    base_name: model.baseName,
    base_version: model.baseVersion,
    base_sha256: model.baseSha256,
    precision: precisionWord(model.precision),
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
    embedding_cached: timings.embeddingCached,
  };
}

/** What was measured on one mask. */
export function maskJson(mask: Mask__Output): object {
  const box = mask.boundingBox;
  return {
    structure: mask.structure,
    width_px: mask.widthPx,
    height_px: mask.heightPx,
    area_px: Number(mask.areaPx),
    area_mm2: mask.areaMm2 ?? null,
    bounding_box: box ? { x_px: box.xPx, y_px: box.yPx, width_px: box.widthPx, height_px: box.heightPx } : null,
    mean_foreground_probability: mask.meanForegroundProbability ?? null,
  };
}

/** @param files where each mask was written, null where it was not */
export function segmentJson(answer: SegmentResponse__Output, files: readonly (string | null)[]): object {
  return {
    masks: answer.masks.map((mask, index) => ({ ...maskJson(mask), file: files[index] ?? null })),
    threshold: round(answer.threshold, 6),
    model: modelJson(answer.model),
    timings: timingsJson(answer.timings),
    ...dicomFrameJson(answer.dicomFrame),
  };
}

/** Which frame it is of, and how long it took. */
function endOf({ dicomFrame, timings }: Pick<SegmentResponse__Output, 'dicomFrame' | 'timings'>): string[] {
  const frame = dicomFrameText(dicomFrame);
  return [...(frame === '' ? [] : [frame]), `${(timings?.totalMs ?? 0).toFixed(0)} ms`];
}

export function segmentLine(answer: SegmentResponse__Output): string {
  return [...answer.masks.map(maskLine), ...endOf(answer)].join(', ');
}

/** In pixels, and in square millimetres where they are known. */
function areaText({ areaPx, areaMm2 }: Mask__Output): string {
  return areaMm2 === undefined ? `${areaPx} px` : `${areaPx} px, ${Number(areaMm2.toPrecision(4))} mm2`;
}

export function maskLine(mask: Mask__Output): string {
  const area = Number(mask.areaPx);
  const size = `${mask.widthPx} x ${mask.heightPx}`;
  const structure = mask.structure === '' ? 'foreground' : mask.structure;
  if (area === 0 || !mask.boundingBox) return `no ${structure} in ${size}`;
  const { xPx, yPx, widthPx, heightPx } = mask.boundingBox;
  const share = ((100 * area) / (mask.widthPx * mask.heightPx)).toFixed(1);
  const sure = mask.meanForegroundProbability?.toFixed(2) ?? '-';
  const box = `box ${xPx},${yPx} ${widthPx} x ${heightPx}`;
  return `${structure} covers ${share} % (${areaText(mask)}) of ${size}, ${box}, mean probability ${sure}`;
}

/** @param files where each mask was written, null where it was not */
export function promptedJson(answer: PromptedAnswer, files: readonly (string | null)[]): object {
  const { base } = answer;
  return {
    masks: answer.masks.map(({ mask, predictedIou, objectIndex, stability }, index) => ({
      ...maskJson(mask),
      predicted_iou: round(predictedIou, 6),
      ...(objectIndex === undefined ? {} : { object_index: objectIndex }),
      ...(stability === undefined ? {} : { stability: round(stability, 6) }),
      file: files[index] ?? null,
    })),
    embedding_id: answer.embeddingId,
    base: base && {
      name: base.name,
      version: base.version,
      weights_sha256: base.weightsSha256,
      precision: precisionWord(base.precision),
    },
    timings: timingsJson(answer.timings),
    ...dicomFrameJson(answer.dicomFrame),
  };
}

/** One line, or for several masks a count and a line for each. */
export function promptedLines(answer: PromptedAnswer): string[] {
  const time = endOf(answer).join(', ');
  const { base } = answer;
  const on = base ? ` on ${base.name}@${base.version}` : '';
  const only = answer.masks.length === 1 ? `,${on}` : '';
  const lines = answer.masks.map(
    ({ mask, predictedIou }) => `${maskLine(mask)}${only}, predicted IoU ${predictedIou.toFixed(2)}`,
  );
  if (lines.length === 0) return [`nothing found${on}, ${time}`];
  if (lines.length === 1) return [`${lines[0] ?? ''}, ${time}`];
  return [`${lines.length} masks${on}, ${time}`, ...lines.map((line, index) => `  ${index + 1}: ${line}`)];
}

export function classifyJson(answer: ClassifyResponse__Output): object {
  return {
    predicted_class: answer.predictedClass,
    probabilities: Object.fromEntries(
      answer.probabilities.map(({ className, probability }) => [className, round(probability, 6)]),
    ),
    model: modelJson(answer.model),
    timings: timingsJson(answer.timings),
    ...dicomFrameJson(answer.dicomFrame),
  };
}

export function classifyLine(answer: ClassifyResponse__Output, top: number): string {
  const ranked = [...answer.probabilities].sort((left, right) => right.probability - left.probability).slice(0, top);
  const list = ranked.map(({ className, probability }) => `${className} ${probability.toFixed(3)}`);
  return [...list, ...endOf(answer)].join(', ');
}

/** Classes to show of each classification model. */
const TOP = 3;

/** What each model says, a line each. */
export function analyzeLines({ findings }: AnalyzeResponse__Output): string[] {
  return findings.flatMap(({ segmentation, classification }) => {
    const { model } = segmentation ?? classification ?? { model: null };
    const name = model ? `${model.name}@${model.version}` : '?';
    if (segmentation) return [`${name}: ${segmentLine(segmentation)}`];
    return classification ? [`${name}: ${classifyLine(classification, TOP)}`] : [];
  });
}

export function analyzeJson({ findings, encoderPassCount, baseCount }: AnalyzeResponse__Output): object {
  return {
    findings: findings.map(({ segmentation, classification }) =>
      segmentation
        ? { task: 'segmentation', ...segmentJson(segmentation, []) }
        : { task: 'classification', ...(classification ? classifyJson(classification) : {}) },
    ),
    encoder_pass_count: encoderPassCount,
    base_count: baseCount,
  };
}

/** What a base drew on one image. */
export interface PromptedAnswer {
  masks: { mask: Mask__Output; predictedIou: number; objectIndex?: number; stability?: number }[];
  embeddingId: string;
  base: BaseInfo__Output | null;
  dicomFrame: DicomFrame__Output | null;
  timings: Timings__Output | null;
}
