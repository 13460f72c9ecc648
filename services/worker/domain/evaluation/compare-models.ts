// How alike two models answer: what a promotion asks of a version before it takes the place of another.

import { AutomedError, automedError } from '../../../common/errors';
import type { Pixels } from '../../../imaging/pixels/pixels';
import { type ModelManifest, type ModelStore, recordOf, type StoredBase, type StoredModel } from '../../../store';
import type { CompareModelsSpec, FinishedEvent, Emit } from '../../protocol/protocol';
import { SampleGuard } from '../../../checks/digests';
import type { Sample } from '../../../datasets/samples/sample';
import {
  decodeInOrder,
  decodeSampleDeep,
  problemOf,
  type DecodedSample,
  type UnusableSample,
} from '../../../datasets/load/load-samples';
import { maskOverlap, mostProbable } from '../../../scoring/metrics/metrics';
import { reportProblems } from '../../../datasets/samples/progress';
import { selectSamples } from '../../../datasets/split/select-samples';

/** What a model says of an image: a mask for each structure, or a probability for each class. */
export interface Answer {
  masks: readonly Uint8Array[];
  probabilities: ArrayLike<number>;
}

/** Two models in memory. */
export interface ModelPair {
  answers(pixels: Pixels): Promise<[Answer, Answer]>;
  close(): Promise<void>;
}

export interface OnBase {
  model: StoredModel;
  base: StoredBase;
}

export type LoadPair = (
  first: OnBase,
  second: OnBase,
  machine: { device: string; threads: number },
) => Promise<ModelPair>;

export interface CompareDependencies {
  store: ModelStore;
  loadPair: LoadPair;
  emit: Emit;
  signal: AbortSignal;
}

async function onBase(store: ModelStore, reference: string): Promise<OnBase> {
  const model = await store.resolveModel(reference);
  const { name, version, sha256 } = model.manifest.base;
  const base = await store.resolveBase(`${name}@${version}`);
  if (base.manifest.weights.sha256 !== sha256) {
    const text = `${reference} was trained on another ${name}@${version} than the store has.`;
    throw automedError('CHECKPOINT_MISMATCH', text);
  }
  await store.verify(model);
  await store.verify(base);
  return { model, base };
}

/** What the answers are about; answers about different things cannot be compared. */
function labelsOf(manifest: ModelManifest): string[] {
  return manifest.task === 'segmentation' ? manifest.structures : manifest.classes;
}

/** Of one image: the mean Dice over the structures, or whether both name the same class. */
export function agreementOf([left, right]: readonly [Answer, Answer], manifest: ModelManifest): number {
  if (manifest.task === 'classification') {
    return mostProbable(left.probabilities) === mostProbable(right.probabilities) ? 1 : 0;
  }
  const overlaps = left.masks.map((mask, index) =>
    maskOverlap(mask, right.masks[index] ?? new Uint8Array(mask.length)),
  );
  return overlaps.reduce((sum, { dice }) => sum + dice, 0) / Math.max(1, overlaps.length);
}

/** Answers are compared with each other, not with masks. */
const imageOnly = ({ masks: _, ...image }: Sample): Sample => image;

/** The picture of a sample, also where it is its mask that cannot be used; undefined when the picture cannot be read. */
async function pixelsOf(result: DecodedSample | UnusableSample): Promise<Pixels | undefined> {
  if (!('problem' in result)) return result.pixels;
  if (result.sample.masks === undefined) return undefined;
  return decodeSampleDeep(imageOnly(result.sample)).then(
    ({ pixels }) => pixels,
    () => undefined,
  );
}

/** What is wrong with the images is wrong with the gate that names them. */
function aboutAgreement(error: unknown): never {
  if (!(error instanceof AutomedError) || error.field !== 'part') throw error;
  const text = `There is no image to compare answers on: ${error.message}`;
  throw automedError('INVALID_ARGUMENT', text, { field: 'agreement', cause: error });
}

/** Runs both models on every image of a part, or of all parts, that can be read. */
export async function compareModels(
  spec: CompareModelsSpec,
  { store, loadPair, emit, signal }: CompareDependencies,
): Promise<FinishedEvent> {
  const [first, second] = [await onBase(store, spec.candidate), await onBase(store, spec.current)];
  const { manifest } = first.model;
  const [labels, others] = [labelsOf(manifest), labelsOf(second.model.manifest)];
  if (manifest.task !== second.model.manifest.task || labels.join('\n') !== others.join('\n')) {
    const text = `${spec.candidate} answers for ${labels.join(', ')}, ${spec.current} for ${others.join(', ')}.`;
    throw automedError('INVALID_ARGUMENT', `Their agreement cannot be measured: ${text}`, { field: 'agreement' });
  }
  const measured = { name: spec.candidate, lookUp: recordOf(first.model) };
  const { samples, notes } = await selectSamples({ ...spec, task: manifest.task }, measured, signal).catch(
    aboutAgreement,
  );
  for (const message of notes) emit({ type: 'log', level: 'info', message });
  const guard = spec.dataset && (await SampleGuard.open(spec.dataset));
  const pair = await loadPair(first, second, spec);
  const unusable: UnusableSample[] = [];
  let [sum, images, done] = [0, 0, 0];
  try {
    // What a registered data set recorded is of images and masks together.
    for await (const result of decodeInOrder(guard ? samples : samples.map(imageOnly), { depth: 16 })) {
      signal.throwIfAborted();
      guard?.see(result.sample.name, 'digest' in result ? result.digest : undefined);
      done += 1;
      emit({ type: 'preparing', done, total: samples.length });
      const pixels = await pixelsOf(result);
      if (pixels) {
        sum += agreementOf(await pair.answers(pixels), manifest);
        images += 1;
      } else if ('problem' in result) unusable.push(result);
    }
    guard?.finish(spec.part === 'all' && spec.limit === undefined);
  } catch (error) {
    if (signal.aborted) throw automedError('CANCELLED', 'The comparison was cancelled.', { cause: error });
    throw error;
  } finally {
    await pair.close();
  }
  reportProblems(unusable.map(problemOf), false, emit);
  if (images === 0) {
    const text = `None of the ${samples.length} images could be used to compare answers on.`;
    throw automedError('INVALID_ARGUMENT', text, { field: 'agreement' });
  }
  const skipped = unusable.length > 0 ? { skipped: unusable.length } : {};
  return { type: 'finished', metrics: { agreement: sum / images, images, ...skipped } };
}
