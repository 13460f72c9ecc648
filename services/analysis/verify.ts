// Computes a result again, and says what is equal, and what has changed since.

import { InvalidInputError, NotFoundError } from '../common/errors';
import {
  readIdentity,
  readMasks,
  readNumbers,
  reportObject,
  type DrawnMasks,
  type ReplayIdentity,
} from '../dicom-results';
import { analyse, type Analysis, type AnalysisDeps } from './analyse';
import type { DescribedModel } from './ports';

/** Something that was otherwise when the result was made. */
export interface Difference {
  /** `weights`, `base`, `precision`, `build`, `preprocessing`, `threshold`, `pixels`, `window` or `pictures`. */
  what: string;
  was: string;
  is: string;
}

export interface Agreement {
  /** Structure, or the measurement of a report. */
  name: string;
  /** Dice coefficient of the masks, [0, 1]; absent for what a report says in numbers. */
  dice?: number;
  /** Largest difference of numbers of a report, in their units; absent for masks. */
  difference?: number;
}

export interface Verification {
  /** Every pixel of a segmentation, or every number of a report, is the same. */
  equal: boolean;
  agreements: Agreement[];
  differences: Difference[];
  images: number;
}

/** Both empty: 1. */
function diceOf(was: DrawnMasks['structures'][number], is: DrawnMasks['structures'][number]): number {
  let [common, sum] = [0, 0];
  was.slices.forEach((first, at) => {
    const second = is.slices[at];
    for (let pixel = 0; pixel < (first ?? second ?? []).length; pixel += 1) {
      const [a, b] = [first?.[pixel] ?? 0, second?.[pixel] ?? 0];
      common += a & b;
      sum += a + b;
    }
  });
  return sum === 0 ? 1 : (2 * common) / sum;
}

/** The files of the images that the result names. @throws NotFoundError where some are not among them */
async function filesOf(identity: ReplayIdentity, files: readonly string[], deps: AnalysisDeps): Promise<string[]> {
  const wanted = new Set(identity.images);
  const found = new Map<string, string>();
  for (const file of files) {
    // What is no image is none of the images.
    const image = await deps.images.open(file).catch(() => undefined);
    const uid = image?.source.sopInstanceUid ?? '';
    if (wanted.has(uid)) found.set(uid, file);
  }
  if (found.size === wanted.size) return [...found.values()];
  throw new NotFoundError(
    'NOT_FOUND',
    `${wanted.size - found.size} of the ${wanted.size} images that the result was made of are not there.`,
  );
}

function differencesOf(was: ReplayIdentity, is: DescribedModel, { context }: Analysis): Difference[] {
  const { model, inputs } = context;
  const pairs: [what: string, was: string | undefined, is: string | undefined][] = [
    ['weights', was.weightsSha256, is.weightsSha256],
    ['base', was.baseSha256, is.baseSha256],
    ['precision', was.precision, model.precision],
    ['build', was.build, model.build],
    ['preprocessing', was.preprocessing, model.preprocessing],
    ['threshold', was.threshold?.toString(), model.threshold?.toString()],
  ];
  if (was.inputs && inputs) {
    pairs.push(['pixels', was.inputs.pixelsSha256, inputs.pixelsSha256], ['window', was.inputs.window, inputs.window]);
  }
  const changed = pairs.flatMap(([what, before, now]) =>
    before === now ? [] : [{ what, was: before ?? 'not said', is: now ?? 'none' }],
  );
  const named = changed.some(({ what }) => what === 'pixels' || what === 'window');
  // Neither pixels nor window, and yet the model saw something else: another decoder.
  if (named || !was.inputs || !inputs || was.inputs.picturesSha256 === inputs.picturesSha256) return changed;
  return [...changed, { what: 'pictures', was: was.inputs.picturesSha256, is: inputs.picturesSha256 }];
}

function masksAgree(result: Uint8Array, { masks }: Analysis): Agreement[] {
  if (!masks) throw new InvalidInputError('WRONG_TASK', 'The result shows masks, and its model draws none.');
  const was = readMasks(result, masks, masks.structures);
  return masks.structures.map((structure, at) => ({
    name: structure.name,
    dice: diceOf(was.structures[at] ?? structure, structure),
  }));
}

/** Every measured value of the report against that of a report that is written now. */
function numbersAgree(result: Uint8Array, { context, masks, classifications }: Analysis): Agreement[] {
  const now = reportObject(context, masks ? { masks } : { classifications: classifications ?? [] });
  const [was, is] = [readNumbers(result), readNumbers(now.bytes)];
  const names = [...new Set([...was, ...is].map(({ concept }) => concept))];
  return names.map((name) => {
    const [before, after] = [was, is].map((numbers) => numbers.filter(({ concept }) => concept === name));
    const difference =
      before?.length === after?.length
        ? Math.max(...(before ?? []).map(({ value }, at) => Math.abs(value - (after?.[at]?.value ?? NaN))))
        : NaN;
    return { name, difference };
  });
}

const isSame = ({ dice, difference }: Agreement): boolean => (dice === undefined ? difference === 0 : dice === 1);

/**
 * Asks the version of the model that made a result again.
 * @param result bytes of a segmentation, label map or report of this program
 * @param files names of files among which its images are
 * @throws ResultError (CONTENT) for an object that does not say how it was made; NotFoundError where its images or its model are gone
 */
export async function verify(
  result: Uint8Array,
  files: readonly string[],
  deps: AnalysisDeps,
  signal: AbortSignal,
): Promise<Verification> {
  const identity = readIdentity(result);
  const model = `${identity.name}@${identity.version}`;
  const described = await deps.models.describe(model, signal);
  const images = await filesOf(identity, files, deps);
  const rule = { name: 'verify', task: described.task, model, threshold: identity.threshold, results: ['SR' as const] };
  const analysis = await analyse({ rule, created: new Date(0), files: images }, deps, signal);
  const agreements = identity.isReport ? numbersAgree(result, analysis) : masksAgree(result, analysis);
  return {
    equal: agreements.every(isSame),
    agreements,
    differences: differencesOf(identity, described, analysis),
    images: images.length,
  };
}
