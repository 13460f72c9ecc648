import type { BaseIdentity, RunOptions, RunTimings } from '../../common/inference';
import { automedError } from '../../common/errors';
import type { DecodeLimits } from '../../imaging/decode';
import { readImage } from '../../imaging/image-input';
import type {
  EverythingParameters,
  FoundMask,
  ImageSource,
  InteractiveBase,
  PromptedMask,
  Prompts,
  SeenImage,
} from './interactive-ports';
import type { MaskEncoding } from './mask-encoding';
import { answerMasks, checkThreshold, type AnsweredMask } from './segment-image';

const DEFAULT_THRESHOLD = 0.5;
const ID = /^[\w-]{43}$/;

/** The image of a request as it came. */
export interface SourceFields {
  image?: Parameters<typeof readImage>[0];
  embeddingId?: string | undefined;
}

export interface PredictCommand {
  source: SourceFields;
  prompts: Prompts;
  /** Absent: 0.5. */
  threshold: number | undefined;
  encoding: MaskEncoding;
  /** Whether the answer holds the logits. */
  logits: boolean;
  options: () => RunOptions;
}

export interface EverythingCommand {
  source: SourceFields;
  parameters: EverythingParameters;
  encoding: MaskEncoding;
  options: () => RunOptions;
}

interface Answered<Found> {
  seen: SeenImage;
  masks: { found: Found; answered: AnsweredMask }[];
  identity: BaseIdentity;
  timings: RunTimings & { decodeMs: number; encodeMs: number };
}

export type PredictedMasks = Answered<PromptedMask> & { threshold: number };
export type EverythingFound = Answered<FoundMask>;

/** An image that has been read, and what is known of it besides. */
export interface ReadSource {
  source: ImageSource;
  pixelAreaMm2: number | undefined;
  decodeMs: number;
}

/** Decodes the image of a request, or takes its embedding's id. */
export async function readSource({ image, embeddingId }: SourceFields, limits: DecodeLimits): Promise<ReadSource> {
  if (!image && embeddingId !== undefined && embeddingId !== '') {
    if (ID.test(embeddingId)) return { source: { embeddingId }, pixelAreaMm2: undefined, decodeMs: 0 };
    throw automedError('INVALID_ARGUMENT', 'This is no id that EncodeImage answers.', { field: 'embedding_id' });
  }
  const { pixels, pixelAreaMm2, decodeMs } = await readImage(image, limits);
  return { source: { pixels }, pixelAreaMm2, decodeMs };
}

/** Draws and encodes what prompts describe. */
export async function predictMasks(
  base: InteractiveBase,
  command: PredictCommand,
  read: ReadSource,
): Promise<PredictedMasks> {
  const threshold = checkThreshold(command.threshold) ?? DEFAULT_THRESHOLD;
  const drawn = await base.predict(read.source, command.prompts, threshold, command.options());
  return { ...(await answer(base, drawn, command.encoding, read)), threshold };
}

/** Draws and encodes everything that a grid of points finds. */
export async function segmentEverything(
  base: InteractiveBase,
  command: EverythingCommand,
  read: ReadSource,
): Promise<EverythingFound> {
  const drawn = await base.everything(read.source, command.parameters, command.options());
  return answer(base, drawn, command.encoding, read);
}

async function answer<Found extends PromptedMask | FoundMask>(
  base: InteractiveBase,
  seen: SeenImage & { masks: readonly Found[] },
  encoding: MaskEncoding,
  { pixelAreaMm2, decodeMs }: ReadSource,
): Promise<Answered<Found>> {
  const started = performance.now();
  const answered = await answerMasks(seen.masks, [], encoding, pixelAreaMm2);
  return {
    seen,
    masks: answered.map((each, index) => ({ found: seen.masks[index] as Found, answered: each })),
    identity: base.identity,
    timings: { ...seen.timings, decodeMs, encodeMs: performance.now() - started },
  };
}
