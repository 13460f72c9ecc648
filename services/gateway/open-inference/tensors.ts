// Between the tensors of the Open Inference Protocol and the API's messages.

import type { Image } from '../../../proto/gen/automed/common/v1/Image';
import type { PixelFormat } from '../../../proto/gen/automed/common/v1/PixelFormat';
import type { ClassifyResponse__Output } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import type { InferParameter__Output } from '../../../proto/gen/inference/InferParameter';
import type { ModelInferRequest__Output } from '../../../proto/gen/inference/ModelInferRequest';
import type { ModelInferResponse } from '../../../proto/gen/inference/ModelInferResponse';
import { excerpt } from '../../common/bounded-text';
import { automedError } from '../../common/errors';
import { unpackBits } from '../../imaging/mask';

export const IMAGE_INPUT = 'image';

const FORMATS: Readonly<Record<number, PixelFormat>> = {
  1: 'PIXEL_FORMAT_GRAY',
  2: 'PIXEL_FORMAT_GRAY_ALPHA',
  3: 'PIXEL_FORMAT_RGB',
  4: 'PIXEL_FORMAT_RGBA',
};

/** One output before it is known whether it is wanted. */
export interface OutputTensor {
  name: string;
  datatype: 'UINT8' | 'FP32' | 'BYTES';
  shape: number[];
  data: Buffer;
}

/**
 * The image of a request: BYTES with one element, a file, or UINT8 with rows, columns and channels.
 * @throws InvalidInputError that names the field
 */
export function imageOf({ inputs, rawInputContents }: ModelInferRequest__Output): Image {
  const [input, ...others] = inputs;
  if (!input || others.length > 0 || input.name !== IMAGE_INPUT)
    throw wrong('inputs', `A request has one input, ${IMAGE_INPUT}.`);
  const raw = rawInputContents[0];
  if (rawInputContents.length > 1) throw wrong('raw_input_contents', 'There are more raw contents than inputs.');
  if (input.datatype === 'BYTES') {
    const encoded = raw ? element(raw) : input.contents?.bytesContents[0];
    if (!encoded) throw wrong('inputs[0].contents', 'The input holds no bytes.');
    return { encoded };
  }
  if (input.datatype !== 'UINT8')
    throw wrong('inputs[0].datatype', `An image is BYTES or UINT8, not ${excerpt(input.datatype)}.`);
  const shape = input.shape.map(Number);
  const [heightPx = 0, widthPx = 0, channels = 1] = shape.length === 4 && shape[0] === 1 ? shape.slice(1) : shape;
  const pixelFormat = FORMATS[channels];
  if (shape.length < 2 || shape.length > 4 || (shape.length === 4 && shape[0] !== 1) || !pixelFormat)
    throw wrong('inputs[0].shape', 'Pixels have the shape [rows, columns, channels], with 1 to 4 channels.');
  const data = raw ?? Buffer.from(input.contents?.uintContents ?? []);
  return { raw: { data, widthPx, heightPx, pixelFormat, sampleType: 'SAMPLE_TYPE_UINT8' } };
}

/** An element of BYTES comes after its length, little-endian; a file without it is taken as it is. */
function element(raw: Buffer): Buffer {
  return raw.length >= 4 && raw.readUInt32LE(0) === raw.length - 4 ? raw.subarray(4) : raw;
}

/** A number among the parameters; undefined without it. @throws InvalidInputError */
export function numberOf(parameters: Record<string, InferParameter__Output>, name: string): number | undefined {
  const given = parameters[name];
  if (!given?.parameterChoice) return undefined;
  const value = Number(given[given.parameterChoice]);
  if (Number.isFinite(value)) return value;
  throw wrong(`parameters.${name}`, `The parameter ${name} must be a number.`);
}

export function segmentationOutputs({ masks }: SegmentResponse__Output): OutputTensor[] {
  const { widthPx = 0, heightPx = 0 } = masks[0] ?? {};
  const pixels = masks.map(({ packedBits }) => unpackBits(packedBits ?? Buffer.alloc(0), widthPx * heightPx));
  const probability = masks.map(({ meanForegroundProbability = 0 }) => meanForegroundProbability);
  return [
    { name: 'masks', datatype: 'UINT8', shape: [masks.length, heightPx, widthPx], data: Buffer.concat(pixels) },
    texts(
      'structures',
      masks.map(({ structure }) => structure),
    ),
    floats('mean_foreground_probability', probability),
  ];
}

export function classificationOutputs({ probabilities }: ClassifyResponse__Output): OutputTensor[] {
  return [
    floats(
      'probabilities',
      probabilities.map(({ probability }) => probability),
    ),
    texts(
      'classes',
      probabilities.map(({ className }) => className),
    ),
  ];
}

/** The wanted outputs in the order in which they were asked for; all when none was. @throws InvalidInputError */
export function answerOf(
  { id, modelName, outputs: wanted }: ModelInferRequest__Output,
  version: number,
  outputs: readonly OutputTensor[],
): ModelInferResponse {
  const chosen =
    wanted.length === 0
      ? outputs
      : wanted.map(({ name }, at) => {
          // An answer holds each output once, however often it is named.
          if (wanted.findIndex((other) => other.name === name) !== at)
            throw wrong(`outputs[${at}].name`, `The output ${excerpt(name)} is asked for twice.`);
          const found = outputs.find((output) => output.name === name);
          if (found) return found;
          const names = outputs.map((output) => output.name).join(', ');
          throw wrong(`outputs[${at}].name`, `There is no output ${excerpt(name)}; there are ${names}.`);
        });
  return {
    id,
    modelName,
    modelVersion: String(version),
    outputs: chosen.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    rawOutputContents: chosen.map(({ data }) => data),
  };
}

function floats(name: string, values: readonly number[]): OutputTensor {
  const data = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) data.writeFloatLE(value, at * 4);
  return { name, datatype: 'FP32', shape: [values.length], data };
}

function texts(name: string, values: readonly string[]): OutputTensor {
  const elements = values.map((value) => {
    const text = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([length, text]);
  });
  return { name, datatype: 'BYTES', shape: [values.length], data: Buffer.concat(elements) };
}

function wrong(field: string, text: string): Error {
  return automedError('INVALID_ARGUMENT', text, { field });
}
