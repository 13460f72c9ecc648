// Which image to label next: one that the head is unsure of and that is unlike what is labelled or chosen already.
//
// Greedy: uncertainty times the squared distance to the nearest labelled or chosen image, the weight of k-means++ (Arthur and
// Vassilvitskii 2007) and of core-sets (Sener and Savarese 2018), so that near copies of one doubtful image are not all asked for.

import { emptyHead, fit, predict, type LinearHead } from './linear-head';
import type { KeptImage } from './kept-image';

const DECAY = 1e-3;
/** Of a first training, and of one that goes on from the head of fewer labels. */
const STEPS = 120;
const STEPS_ON = 40;
/** Cells of an image that a head learns from, evenly spread: neighbours are much alike. */
const CELLS = 64;

/** Trains a head on labelled images. @param before head of some of them, to go on from */
export function headOf(images: readonly KeptImage[], before?: LinearHead): LinearHead {
  const [first] = images;
  if (!first?.targets) throw new Error('a head needs labelled images');
  const [width, classes] = [first.rows.length / first.count, first.targets.length / first.count];
  const learnt = (image: KeptImage): number => Math.min(CELLS, image.count);
  const count = images.reduce((sum, image) => sum + learnt(image), 0);
  const [features, targets] = [new Float32Array(count * width), new Float32Array(count * classes)];
  let row = 0;
  for (const image of images) {
    for (let nth = 0; nth < learnt(image); nth += 1) {
      const cell = Math.floor((nth * image.count) / learnt(image));
      features.set(image.rows.subarray(cell * width, (cell + 1) * width), row * width);
      targets.set(image.targets?.subarray(cell * classes, (cell + 1) * classes) ?? [], row * classes);
      row += 1;
    }
  }
  const options = { decay: DECAY, steps: before ? STEPS_ON : STEPS };
  return fit(before ?? emptyHead(width, classes), { features, targets, count }, options);
}

/** Dice of drawn cells against shares or probabilities of foreground; 1 where both are empty. */
function cellDice(probabilities: Float32Array, against: Float32Array): number {
  let [both, either] = [0, 0];
  for (let at = 1; at < against.length; at += 2) {
    const drawn = (probabilities[at] as number) > 0.5 ? 1 : 0;
    both += drawn * (against[at] as number);
    either += drawn + (against[at] as number);
  }
  return either === 0 ? 1 : (2 * both) / either;
}

function twoLargest(values: Float32Array): [number, number] {
  let [first, second] = [0, 0];
  for (const value of values) {
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return [first, second];
}

/** How unsure a head is, `[0, 1]`: of classes 1 less the margin between the two likeliest, of masks 1 less the Dice it expects. */
export function uncertaintyOf(head: LinearHead, image: KeptImage, masks: boolean): number {
  const probabilities = predict(head, image.rows, image.count);
  if (masks) return 1 - cellDice(probabilities, probabilities);
  const [first, second] = twoLargest(probabilities);
  return 1 - (first - second);
}

/** Mean score of labelled images, `[0, 1]`: accuracy, or the mean Dice over the cells of the embedding. */
export function scoreOf(head: LinearHead, images: readonly KeptImage[], masks: boolean): number {
  const scores = images.map((image) => {
    const probabilities = predict(head, image.rows, image.count);
    const truth = image.targets ?? new Float32Array();
    if (masks) return cellDice(probabilities, truth);
    return likeliest(probabilities) === likeliest(truth) ? 1 : 0;
  });
  return scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length);
}

const likeliest = (values: Float32Array): number => values.indexOf(Math.max(...values));

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) sum += ((a[k] as number) - (b[k] as number)) ** 2;
  return sum;
}

/** An image without a label, by its uncertainty. */
export interface Candidate {
  descriptor: Float32Array;
  uncertainty: number;
}

/** Indices of the candidates to label next, the first first. @param labelled descriptors of what has a label */
export function nextLabels(
  labelled: readonly Float32Array[],
  candidates: readonly Candidate[],
  count: number,
): number[] {
  const near = candidates.map(({ descriptor }) =>
    labelled.reduce((least, other) => Math.min(least, squaredDistance(descriptor, other)), Infinity),
  );
  const chosen: number[] = [];
  const left = new Set(candidates.keys());
  while (chosen.length < count && left.size > 0) {
    let [best, most] = [-1, -Infinity];
    for (const at of left) {
      const { uncertainty } = candidates[at] as Candidate;
      const distance = near[at] === Infinity ? 1 : (near[at] as number);
      const worth = uncertainty * distance;
      if (worth > most) [best, most] = [at, worth];
    }
    chosen.push(best);
    left.delete(best);
    const { descriptor } = candidates[best] as Candidate;
    for (const at of left) {
      near[at] = Math.min(near[at] as number, squaredDistance((candidates[at] as Candidate).descriptor, descriptor));
    }
  }
  return chosen;
}
