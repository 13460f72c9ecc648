// From the images of a series to what a model finds on them: every frame is asked about, by the version of the model that its alias
// led to when the analysis began.

import { automedError, UnavailableError } from '../common/errors';
import { ResultError, termsOf, type Classification, type DrawnMasks, type ResultContext } from '../dicom-results';
import type { SeriesTask } from './types';
import { SeenInputs } from './inputs';
import type { AnsweredBy, DescribedModel, Found, FrameQuestion, Images, Models } from './ports';
import { eachOf, openSeries, type Frame } from './series';

export interface AnalysisDeps {
  models: Models;
  images: Images;
  /** Version of this program. */
  build: string;
  /** Frames that are asked about at a time. */
  inFlight: number;
  /** Hears that the images are a stack of slices, and that a frame is decoded. */
  onStep?: (step: 'series-ordered' | 'frame-decoded') => void;
}

/** What was found, and by which `name@version`. */
export interface Analysis extends Found {
  model: string;
}

/** The models cannot be asked at all, whatever the series holds. */
export class ModelsAwayError extends UnavailableError {}

async function describe(models: Models, reference: string, signal: AbortSignal): Promise<DescribedModel> {
  try {
    return await models.describe(reference, signal);
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    throw new ModelsAwayError('SERVICE_UNAVAILABLE', error.message, { cause: error });
  }
}

function checkTask(model: DescribedModel, job: SeriesTask): void {
  if (model.task === job.rule.task) return;
  throw automedError(
    'WRONG_TASK',
    `Rule "${job.rule.name}" asks for a ${job.rule.task}, and ${model.name}@${model.version} does ${model.task}.`,
  );
}

/** @throws ResultError (TERMS) that names all that has no coded term */
function requireTerms({ name, version, names, terms }: DescribedModel): void {
  termsOf({ name, version, terms }, names);
}

/** All frames must have been answered by the weights that the model was described with. */
function requireSame(model: DescribedModel, answers: readonly { by: AnsweredBy }[]): string {
  const precisions = new Set(answers.map(({ by }) => by.precision));
  const same = answers.every(
    ({ by }) => by.weightsSha256 === model.weightsSha256 && by.baseSha256 === model.baseSha256,
  );
  if (same && precisions.size === 1) return [...precisions].join('');
  throw automedError('SERVICE_UNAVAILABLE', 'The frames of a series were answered by different weights or precisions.');
}

/**
 * @throws ResultError, DicomError, and the typed errors of the gateway
 */
export async function analyse(job: SeriesTask, deps: AnalysisDeps, signal: AbortSignal): Promise<Analysis> {
  const { models, images, inFlight } = deps;
  const described = await describe(models, job.rule.model, signal);
  checkTask(described, job);
  // Before the model looks at anything: without terms nothing of what it finds could be sent.
  requireTerms(described);
  const opened = await openSeries(job.files, images, inFlight);
  deps.onStep?.('series-ordered');
  const { series, frames, affine, display } = opened;
  const seen = new SeenInputs();
  const model = `${described.name}@${described.version}`;
  const question = async (frame: Frame): Promise<FrameQuestion> => {
    const { reference, image } = frame;
    const pixels = await image.picture(reference.frame);
    deps.onStep?.('frame-decoded');
    seen.add(frame, pixels);
    return { model, pixels, spacing: image.source.spacing, threshold: job.rule.threshold, signal };
  };
  const contextOf = (precision: string): ResultContext => ({
    series,
    created: job.created,
    inputs: seen.identity(opened.images),
    model: {
      name: described.name,
      version: described.version,
      weightsSha256: described.weightsSha256,
      baseSha256: described.baseSha256,
      precision,
      build: deps.build,
      preprocessing: described.preprocessing,
      terms: described.terms,
      ...thresholdOf(described, job),
    },
  });
  if (described.task === 'segmentation') {
    const answers = await eachOf(frames, inFlight, async (frame) => models.segment(await question(frame)));
    const masks = drawnMasks(described, frames, answers, affine);
    return { model, context: contextOf(requireSame(described, answers)), masks, display };
  }
  const answers = await eachOf(frames, inFlight, async (frame) => models.classify(await question(frame)));
  const classifications = answers.map(({ classes }, at): Classification => {
    return { of: (frames[at] as Frame).reference, classes };
  });
  return { model, context: contextOf(requireSame(described, answers)), classifications, display };
}

function thresholdOf({ threshold }: DescribedModel, { rule }: SeriesTask): { threshold?: number } {
  const used = rule.threshold ?? threshold;
  return used === undefined ? {} : { threshold: used };
}

/** Binds what was drawn to the frames that it was drawn on. @throws ResultError (CONTENT) for an answer that is not the model's */
function drawnMasks(
  { names }: DescribedModel,
  frames: readonly Frame[],
  answers: readonly Awaited<ReturnType<Models['segment']>>[],
  affine: readonly number[] | undefined,
): DrawnMasks {
  for (const [at, { masks }] of answers.entries()) {
    const source = frames[at]?.image.source;
    const structures = masks.map(({ structure }) => structure);
    if (structures.join('\n') !== names.join('\n')) {
      throw new ResultError('CONTENT', 'The model drew other structures than its manifest names.');
    }
    if (masks.some(({ width, height }) => width !== source?.columns || height !== source.rows)) {
      throw new ResultError('CONTENT', 'The model drew a mask of another size than its image.');
    }
  }
  const structures = names.map((name, index) => {
    const slices = answers.map(({ masks }) => {
      const mask = masks[index]?.mask;
      return mask?.includes(1) ? mask : undefined;
    });
    return { name, slices, ...meanProbability(answers, index) };
  });
  return { frames: frames.map(({ reference }) => reference), affine, structures };
}

/** Over all foreground pixels of a structure. */
function meanProbability(
  answers: readonly Awaited<ReturnType<Models['segment']>>[],
  index: number,
): { probability?: number } {
  let [pixels, sum] = [0, 0];
  for (const { masks } of answers) {
    const { mask, probability } = masks[index] ?? {};
    if (!mask || probability === undefined) continue;
    const count = mask.reduce((total, value) => total + value, 0);
    pixels += count;
    sum += count * probability;
  }
  return pixels === 0 ? {} : { probability: Math.min(1, sum / pixels) };
}
