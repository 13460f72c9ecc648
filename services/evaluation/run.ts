import sharp from 'sharp';
import type { ClassifyResponse__Output } from '../../proto/gen/automed/classification/v1/ClassifyResponse';
import { isBmp } from '../imaging/bmp';
import { isDicom } from '../imaging/dicom';
import { decodeMask } from '../imaging/mask';
import { decodeDataFile } from '../datasets/files/data-file';
import type { MaskSource, Sample } from '../datasets/samples/sample';
import { readMask } from '../datasets/load/read-mask';
import { scoreMask, type DrawnScores } from '../scoring/metrics/score-mask';
import type { AutomedClient } from '../client';
import { failed, forEachImage, type Failure } from './images';

export interface Measured<T> {
  sample: Sample;
  result: T;
  /** From sending the request to holding the answer, milliseconds. */
  latencyMs: number;
}

export interface Evaluation<T> {
  measured: Measured<T>[];
  failures: Failure[];
}

export interface EvaluationOptions {
  model: string;
  samples: readonly Sample[];
  /** Probability above which a pixel is foreground; default: the model's. */
  threshold?: number | undefined;
  onProgress?: ((done: number) => void) | undefined;
  /** What a person reads of an error; default: its message. */
  describe?: ((error: unknown) => string) | undefined;
  /** Requests in flight; 1 measures the latency of a lone caller. */
  inFlight?: number;
}

/** What the model drew of one structure, and how well. */
export interface StructureResult extends DrawnScores {
  /** 0 or 1 per pixel. */
  mask: Uint8Array;
}

export interface SegmentationOptions extends EvaluationOptions {
  /** What the masks of a sample show, in their order. Default: the only structure of the model. */
  structures?: readonly string[] | undefined;
}

/** Sends every image through the gateway and compares the masks, at the images' own size, with the true ones. */
export async function evaluateSegmentation(
  client: AutomedClient,
  options: SegmentationOptions,
): Promise<Evaluation<StructureResult[]>> {
  const { model, threshold, structures } = options;
  return evaluate(options, async (bytes, sample) => {
    const begun = performance.now();
    const { masks } = await client.segmentation.segment({
      model,
      image: { encoded: bytes },
      ...(threshold === undefined ? {} : { threshold }),
    });
    const latencyMs = performance.now() - begun;
    const result: StructureResult[] = [];
    for (const [index, source] of (sample.masks ?? []).entries()) {
      const mask = structures ? masks.find(({ structure }) => structure === structures[index]) : masks[index];
      result.push(await compare(mask?.png ?? Buffer.alloc(0), source));
    }
    return { result, latencyMs };
  });
}

async function compare(png: Buffer, source: MaskSource): Promise<StructureResult> {
  const drawn = await decodeMask(png);
  const { mask, width, height } = drawn;
  return { mask, ...scoreMask(mask, await readMask(source, drawn), width, height) };
}

/** Sends every image through the gateway and keeps the answers. */
export async function evaluateClassification(
  client: AutomedClient,
  options: EvaluationOptions,
): Promise<Evaluation<ClassifyResponse__Output>> {
  return evaluate(options, async (bytes) => {
    const begun = performance.now();
    const result = await client.classification.classify({ model: options.model, image: { encoded: bytes } });
    return { result, latencyMs: performance.now() - begun };
  });
}

/** What the services take: of DICOM and BMP a PNG of the pixels that training sees. */
async function sendable(bytes: Buffer, { frame }: Sample): Promise<Buffer> {
  if (!isDicom(bytes) && !isBmp(bytes)) return bytes;
  const { data, width, height, channels } = await decodeDataFile(bytes, frame);
  return sharp(data, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toBuffer();
}

async function evaluate<T>(
  { samples, onProgress, inFlight, describe }: EvaluationOptions,
  measure: (bytes: Buffer, sample: Sample) => Promise<{ result: T; latencyMs: number }>,
): Promise<Evaluation<T>> {
  let done = 0;
  const outcomes = await forEachImage(
    samples.map(({ imagePath }) => imagePath),
    async (bytes, _image, index) => {
      const sample = samples[index] as Sample;
      return { sample, ...(await measure(await sendable(bytes, sample), sample)) };
    },
    () => onProgress?.((done += 1)),
    { inFlight, describe },
  );
  return {
    measured: outcomes.flatMap((outcome) => (failed(outcome) ? [] : [outcome.result])),
    failures: outcomes.filter(failed),
  };
}
