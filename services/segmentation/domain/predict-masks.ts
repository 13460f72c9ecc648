import type { BaseIdentity, RunOptions, RunTimings } from '../../common/inference';
import { automedError } from '../../common/errors';
import type { MemoryBudget } from '../../common/memory-budget';
import {
  NO_FACTS,
  openImage,
  pixelAreaMm2,
  useImage,
  useMaskMemory,
  type Admission,
  type ImageFacts,
  type ImageField,
  type ImageIntake,
  type OpenedImage,
} from '../../imaging/image-input';
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
import { answerMasks, type AnsweredMask } from './segment-image';

const DEFAULT_THRESHOLD = 0.5;
/** Masks that everything mode answers at most, whatever the image's size. */
const MAX_EVERYTHING_MASKS = 1024;
/** What the masks of one answer of everything mode take at most, as a share of the memory for requests. */
const EVERYTHING_SHARE = 0.25;
const DEFAULT_POINTS_PER_SIDE = 32;
const ID = /^[\w-]{43}$/;

/** The image of a request as it came. */
export interface SourceFields {
  image?: ImageField;
  embeddingId?: string | undefined;
}

/** The same once it has been looked at: the image with its header read, or the id that stands for it. */
export type OpenedSource = { image: OpenedImage } | { embeddingId: string };

export interface PredictCommand {
  source: OpenedSource;
  prompts: Prompts;
  /** (0, 1); absent: 0.5. */
  threshold: number | undefined;
  encoding: MaskEncoding;
  /** Whether the answer holds the logits. */
  logits: boolean;
  options: () => RunOptions;
}

export interface EverythingCommand {
  source: OpenedSource;
  parameters: EverythingParameters;
  encoding: MaskEncoding;
  options: () => RunOptions;
}

interface Answered<Found> {
  facts: ImageFacts;
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
  facts: ImageFacts;
  decodeMs: number;
  /** Masks that may be drawn of it. */
  masks: number;
}

/**
 * Looks at what a request is about before its base is loaded.
 * @throws InvalidInputError that names the field
 */
export async function openSource({ image, embeddingId }: SourceFields, intake: ImageIntake): Promise<OpenedSource> {
  if (image || embeddingId === undefined || embeddingId === '') return { image: await openImage(image, intake) };
  if (ID.test(embeddingId)) return { embeddingId };
  throw automedError('INVALID_ARGUMENT', 'This is no id that EncodeImage answers.', { field: 'embedding_id' });
}

/** Decodes the image of a request, or takes its embedding's id, as soon as there is memory for that and for the masks. */
export async function withSource<T>(
  base: InteractiveBase,
  opened: OpenedSource,
  memory: MemoryBudget,
  admission: Admission,
  use: (read: ReadSource) => Promise<T>,
): Promise<T> {
  if ('image' in opened) {
    return useImage(opened.image, memory, admission, ({ pixels, ...read }) => use({ ...read, source: { pixels } }));
  }
  const { embeddingId } = opened;
  const read = { source: { embeddingId }, facts: NO_FACTS, decodeMs: 0 };
  const size = base.sizeOf(embeddingId);
  // What was never seen here is not resident, which the base says itself.
  if (!size) return use({ ...read, masks: 1 });
  return useMaskMemory(memory, size, admission, (masks) => use({ ...read, masks }));
}

/** What a prompt's answer takes: a mask for each object, or all that the decoder proposes for it. */
export function predictAdmission(
  base: InteractiveBase,
  { prompts, options }: Pick<PredictCommand, 'prompts' | 'options'>,
): Admission {
  const objects = Math.max(1, prompts.boxes.length);
  return { masks: objects * (prompts.multimask ? base.multimaskOutputs : 1), wait: options };
}

/** What an answer of everything mode takes: as many masks as are accepted of an image of that size. */
export function everythingAdmission(
  base: InteractiveBase,
  { parameters, options }: EverythingCommand,
  memory: MemoryBudget,
): Admission {
  const side = parameters.pointsPerSide ?? DEFAULT_POINTS_PER_SIDE;
  const possible = Math.min(MAX_EVERYTHING_MASKS, side * side * base.multimaskOutputs);
  const fitting = (pixelCount: number) => Math.floor((memory.limitBytes * EVERYTHING_SHARE) / pixelCount);
  return { masks: (pixelCount) => Math.max(1, Math.min(possible, fitting(pixelCount))), wait: options };
}

/** Draws and encodes what prompts describe. */
export async function predictMasks(
  base: InteractiveBase,
  command: PredictCommand,
  read: ReadSource,
): Promise<PredictedMasks> {
  const threshold = command.threshold ?? DEFAULT_THRESHOLD;
  const drawn = await base.predict(read.source, command.prompts, threshold, command.options());
  return { ...(await answer(base, drawn, command.encoding, read)), threshold };
}

/** Draws and encodes everything that a grid of points finds. */
export async function segmentEverything(
  base: InteractiveBase,
  command: EverythingCommand,
  read: ReadSource,
): Promise<EverythingFound> {
  const drawn = await base.everything(read.source, command.parameters, read.masks, command.options());
  return answer(base, drawn, command.encoding, read);
}

async function answer<Found extends PromptedMask | FoundMask>(
  base: InteractiveBase,
  seen: SeenImage & { masks: readonly Found[] },
  encoding: MaskEncoding,
  { facts, decodeMs }: ReadSource,
): Promise<Answered<Found>> {
  const started = performance.now();
  const answered = await answerMasks(seen.masks, [], encoding, pixelAreaMm2(facts));
  return {
    facts,
    seen,
    masks: answered.map((each, index) => ({ found: seen.masks[index] as Found, answered: each })),
    identity: base.identity,
    timings: { ...seen.timings, decodeMs, encodeMs: performance.now() - started },
  };
}
