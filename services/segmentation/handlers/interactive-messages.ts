// Between the messages of the interactive API and the domain's words.

import type { BoxPrompt__Output } from '../../../proto/gen/automed/segmentation/v1/BoxPrompt';
import type { EncodeImageResponse } from '../../../proto/gen/automed/segmentation/v1/EncodeImageResponse';
import type { GetMaskDecoderResponse } from '../../../proto/gen/automed/segmentation/v1/GetMaskDecoderResponse';
import type { ImageEmbedding as EmbeddingMessage } from '../../../proto/gen/automed/segmentation/v1/ImageEmbedding';
import type { InteractiveSessionRequest__Output } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import type { PointPrompt__Output } from '../../../proto/gen/automed/segmentation/v1/PointPrompt';
import type { PredictMasksResponse } from '../../../proto/gen/automed/segmentation/v1/PredictMasksResponse';
import type { SegmentEverythingRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentEverythingRequest';
import type { SegmentEverythingResponse } from '../../../proto/gen/automed/segmentation/v1/SegmentEverythingResponse';
import type { Tensor, Tensor__Output } from '../../../proto/gen/automed/common/v1/Tensor';
import { automedError } from '../../common/errors';
import { baseInfo, timings } from '../../common/grpc/answer';
import type { CallContext } from '../../common/grpc/handlers';
import type { RunOptions } from '../../common/inference';
import { runOptions } from '../../common/grpc/run-options';
import {
  openImage,
  type ImageFacts,
  type ImageField,
  type ImageIntake,
  type OpenedImage,
} from '../../imaging/image-input';
import { dicomFrame, toPlacement } from '../../imaging/image-messages';
import { checkEverything, checkLogitsSide, checkPrompts } from '../domain/check-prompts';
import type {
  ImageEmbedding,
  InteractiveBase,
  InteractiveBases,
  MaskDecoderWeights,
  Prompts,
  SeenImage,
} from '../domain/interactive-ports';
import {
  openSource,
  type EverythingCommand,
  type EverythingFound,
  type PredictCommand,
  type PredictedMasks,
  type SourceFields,
} from '../domain/predict-masks';
import { checkThreshold } from '../domain/segment-image';
import { toEncoding, toMask } from './messages';

const MAX_POINTS = 1024;
const MAX_BOXES = 64;

/** PredictMasksRequest and InteractiveSessionRequest spell their prompts alike. */
export type PromptFields = Omit<InteractiveSessionRequest__Output, 'model' | 'image' | 'resumeToken'>;

/** What a request asks for, whatever image it is about. */
export type PromptCommand = Omit<PredictCommand, 'source'>;

/** @throws InvalidInputError that names the field */
export function toPromptCommand(fields: PromptFields, context: CallContext): PromptCommand {
  const prompts = toPrompts(fields);
  checkPrompts(prompts);
  return {
    prompts,
    threshold: checkThreshold(fields.threshold),
    encoding: toEncoding(fields.maskFormat),
    logits: fields.returnLogits,
    options: runOptions(fields.priority, context),
  };
}

/** All of a request that can be checked without its base. @throws InvalidInputError that names the field */
export async function toPredictCommand(
  fields: PromptFields,
  from: SourceFields,
  intake: ImageIntake,
  context: CallContext,
): Promise<PredictCommand> {
  const command = toPromptCommand(fields, context);
  const source = await openSource(from, intake);
  if ('image' in source) checkPrompts(command.prompts, source.image);
  return { ...command, source };
}

/** Refuses logits of another size than the base takes, before it is loaded. A base that is not there acquire() tells. */
export async function checkLogits(
  bases: InteractiveBases,
  reference: string,
  { prompts: { mask } }: PromptCommand,
): Promise<void> {
  const side = mask && (await bases.logitsSide(reference).catch(() => undefined));
  if (mask && side !== undefined) checkLogitsSide(mask, side);
}

export interface EncodeCommand {
  image: OpenedImage;
  options: () => RunOptions;
}

/** All of a request that can be checked without its base. @throws InvalidInputError that names the field */
export async function toEncodeCommand(
  { image, priority }: { image: ImageField; priority: number },
  intake: ImageIntake,
  context: CallContext,
): Promise<EncodeCommand> {
  const options = runOptions(priority, context);
  return { image: await openImage(image, intake), options };
}

export function hasPrompts({ points, boxes, maskLogits }: PromptFields): boolean {
  return points.length > 0 || boxes.length > 0 || maskLogits !== null;
}

function toPrompts({ points, boxes, maskLogits, multimask }: PromptFields): Prompts {
  if (points.length > MAX_POINTS) throw tooMany('points', points.length, MAX_POINTS);
  if (boxes.length > MAX_BOXES) throw tooMany('boxes', boxes.length, MAX_BOXES);
  return {
    points: points.map(toPoint),
    boxes: boxes.map(toBox),
    mask: maskLogits === null ? undefined : toLogits(maskLogits),
    multimask,
  };
}

function toPoint({ xPx, yPx, label }: PointPrompt__Output, index: number): Prompts['points'][number] {
  const known = ['POINT_LABEL_UNSPECIFIED', 'POINT_LABEL_FOREGROUND', 'POINT_LABEL_BACKGROUND'].includes(label);
  if (known) return { x: xPx, y: yPx, foreground: label !== 'POINT_LABEL_BACKGROUND' };
  const text = `The label ${String(label)} is not known.`;
  throw automedError('INVALID_ARGUMENT', text, { field: `points[${index}].label` });
}

function toBox({ x0Px, y0Px, x1Px, y1Px }: BoxPrompt__Output): Prompts['boxes'][number] {
  return { x0: x0Px, y0: y0Px, x1: x1Px, y1: y1Px };
}

function toLogits({ data, shape, type }: Tensor__Output): Float32Array {
  if (type !== 'TENSOR_TYPE_FLOAT32') {
    const text = 'The type of the mask logits must be TENSOR_TYPE_FLOAT32.';
    throw automedError('INVALID_ARGUMENT', text, { field: 'mask_logits.type' });
  }
  const [rows, columns, ...rest] = shape;
  if (rows === undefined || rows < 1 || rows !== columns || rest.length > 0) {
    const text = `The mask logits must be square, [S, S]; their shape is [${shape.join(', ')}].`;
    throw automedError('SHAPE_MISMATCH', text, { field: 'mask_logits.shape' });
  }
  if (data.length !== rows * columns * 4) {
    const text = `${rows} x ${columns} singles take ${rows * columns * 4} bytes; data has ${data.length}.`;
    throw automedError('SHAPE_MISMATCH', text, { field: 'mask_logits.data' });
  }
  // A copy: the message's bytes need not lie where a Float32Array may begin.
  return new Float32Array(Uint8Array.from(data).buffer);
}

/** All of a request that can be checked without its base. @throws InvalidInputError that names the field */
export async function toEverythingCommand(
  request: SegmentEverythingRequest__Output,
  intake: ImageIntake,
  context: CallContext,
): Promise<EverythingCommand> {
  const { pointsPerSide, minPredictedIou, minStability, stabilityOffset, nmsIou } = request;
  const parameters = { pointsPerSide, minPredictedIou, minStability, stabilityOffset, nmsIou };
  checkEverything(parameters);
  const encoding = toEncoding(request.maskFormat);
  const options = runOptions(request.priority, context);
  return { source: await openSource(sourceOf(request), intake), parameters, encoding, options };
}

export function sourceOf(request: {
  image?: SourceFields['image'] | null;
  embeddingId?: string | undefined;
}): SourceFields {
  return request.image ? { image: request.image } : { embeddingId: request.embeddingId };
}

export function toEncodeResponse(
  seen: SeenImage & { embedding?: ImageEmbedding },
  base: InteractiveBase,
  facts: ImageFacts,
  around: { decodeMs: number; totalMs: number },
): EncodeImageResponse {
  return {
    embeddingId: seen.embeddingId,
    widthPx: seen.width,
    heightPx: seen.height,
    timeToLiveMs: base.embeddingTtlMs,
    base: baseInfo(base.identity),
    timings: timings(seen.timings, { ...around, encodeMs: 0 }),
    ...dicomFrame(facts),
    ...(seen.embedding ? { embedding: toEmbedding(seen.embedding) } : {}),
  };
}

function toEmbedding({ features, channels, side, placement }: ImageEmbedding): EmbeddingMessage {
  return { features: toHalves(features, [channels, side, side]), placement: toPlacement(placement) };
}

export function toDecoderResponse(decoder: MaskDecoderWeights): GetMaskDecoderResponse {
  return {
    base: baseInfo(decoder.identity),
    weights: decoder.tensors.map(({ name, shape, data }) => ({ name, tensor: toHalves(data, shape) })),
    inputSizePx: decoder.imageSize,
    embeddingSide: decoder.side,
    headCount: decoder.heads,
    layerCount: decoder.layers,
    multimaskOutputCount: decoder.multimaskOutputs,
    bestOfMultimask: decoder.bestOfMultimask,
  };
}

export function toPredictResponse(predicted: PredictedMasks, logits: boolean, totalMs: number): PredictMasksResponse {
  return {
    masks: predicted.masks.map(({ found, answered }) => ({
      mask: toMask(answered),
      predictedIou: found.predictedIou,
      objectIndex: found.object,
      ...(logits ? { logits: toTensor(found.lowRes, found.lowResSide) } : {}),
    })),
    ...imageFields(predicted),
    threshold: predicted.threshold,
    timings: timings(predicted.timings, { ...predicted.timings, totalMs }),
    ...dicomFrame(predicted.facts),
  };
}

export function toEverythingResponse(found: EverythingFound, totalMs: number): SegmentEverythingResponse {
  return {
    masks: found.masks.map(({ found: { predictedIou, stability, point }, answered }) => ({
      mask: toMask(answered),
      predictedIou,
      stability,
      xPx: point[0],
      yPx: point[1],
    })),
    ...imageFields(found),
    timings: timings(found.timings, { ...found.timings, totalMs }),
    ...dicomFrame(found.facts),
  };
}

function imageFields({ seen, identity }: Pick<PredictedMasks, 'seen' | 'identity'>) {
  return { embeddingId: seen.embeddingId, widthPx: seen.width, heightPx: seen.height, base: baseInfo(identity) };
}

function toHalves(halves: Uint8Array, shape: number[]): Tensor {
  const data = Buffer.from(halves.buffer, halves.byteOffset, halves.byteLength);
  return { data, shape, type: 'TENSOR_TYPE_FLOAT16' };
}

function toTensor(values: Float32Array, side: number): Tensor {
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return { data, shape: [side, side], type: 'TENSOR_TYPE_FLOAT32' };
}

function tooMany(field: string, count: number, limit: number): Error {
  return automedError('INVALID_ARGUMENT', `The request has ${count} ${field}; at most ${limit} are accepted.`, {
    field,
  });
}
