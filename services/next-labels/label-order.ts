// An order of the images without a label, with what a simulation on the labelled ones says of it.

import { z } from 'zod';
import type { KeptImage } from './kept-image';
import { headOf, nextLabels, uncertaintyOf, type Candidate } from './order';
import { rescale, scaleOf } from './scale';
import { FEWEST_LABELLED, simulate, type Benefit } from './simulation';

/** As a worker tells it. */
export const labelOrderSchema = z.object({
  images: z.array(z.object({ name: z.string(), uncertainty: z.number() })),
  unlabelled: z.int(),
  labelled: z.int(),
  benefit: z
    .object({
      poolCount: z.int(),
      testCount: z.int(),
      seeds: z.int(),
      labels: z.int(),
      randomScore: z.number(),
      orderedScore: z.number(),
      share: z.number(),
      low: z.number(),
      high: z.number(),
      helps: z.boolean(),
    })
    .nullable(),
});

export type LabelOrder = z.infer<typeof labelOrderSchema>;

export interface OrderOptions {
  masks: boolean;
  count: number;
  seed: number;
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/** What the head needs of images without a label: kept until the head is there. */
export type Unlabelled = Pick<KeptImage, 'name' | 'descriptor' | 'rows' | 'count'>;

/** Brings what is kept of images onto one scale, in place: that of the labelled ones, at least one. */
export function rescaleAll(labelled: readonly KeptImage[], unlabelled: readonly Unlabelled[] = []): void {
  const first = labelled[0] as KeptImage;
  const descriptors = scaleOf(
    labelled.map(({ descriptor }) => descriptor),
    first.descriptor.length,
  );
  const rows = scaleOf(
    labelled.map((image) => image.rows),
    first.rows.length / first.count,
  );
  for (const image of [...labelled, ...unlabelled]) {
    rescale(image.descriptor, descriptors);
    rescale(image.rows, rows);
  }
}

/** @param labelled at least one, each with its targets; both are rescaled in place */
export async function orderLabels(
  labelled: readonly KeptImage[],
  unlabelled: readonly Unlabelled[],
  options: OrderOptions,
): Promise<LabelOrder> {
  const { masks, count } = options;
  rescaleAll(labelled, unlabelled);
  const benefit = labelled.length < FEWEST_LABELLED ? null : await simulate(labelled, options);
  const head = headOf(labelled);
  const candidates: Candidate[] = unlabelled.map((image) => ({
    descriptor: image.descriptor,
    uncertainty: uncertaintyOf(head, image, masks),
  }));
  const chosen = nextLabels(
    labelled.map(({ descriptor }) => descriptor),
    candidates,
    count,
  );
  return {
    images: chosen.map((at) => ({
      name: (unlabelled[at] as Unlabelled).name,
      uncertainty: (candidates[at] as Candidate).uncertainty,
    })),
    unlabelled: unlabelled.length,
    labelled: labelled.length,
    benefit,
  };
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** What a simulation found, for people. */
export function statementOf(benefit: Benefit): string {
  const { helps, share, low, high, seeds, labels, randomScore, orderedScore } = benefit;
  const measured = `it needs ${percent(share)} of the labels of random order for the same score (95 % interval ${percent(low)} to ${percent(high)}, ${seeds} seeds)`;
  const scores = `with ${labels} labels the score is ${orderedScore.toFixed(3)}, at random ${randomScore.toFixed(3)}`;
  const verdict = helps ? 'This order helps' : 'This order does not help on this data set: label in any order';
  return `${verdict}. On the labelled images ${measured}; ${scores}.`;
}

/** Why nothing was measured. */
export const tooFewLabelled = (labelled: number): string =>
  `Whether this order helps was not measured: ${labelled} images are labelled, and it takes ${FEWEST_LABELLED}.`;
