// The diseases of trainings on masks: each is a number that is measured on the validation images, and a sentence of advice.

import { decodeSample } from '../../../datasets/load/load-samples';
import type { Sample } from '../../../datasets/samples/sample';
import type { SampleOutcome } from '../../../scoring/results/evaluation';
import type { Alarm } from '../../protocol/alarms';
import type { TrainerPort } from '../ports/trainer';

/** A share of images with foreground, on which nothing is drawn. */
const MOST_UNDRAWN = 0.5;
/** Images that are looked at for it, spread over all that were missed. */
const LOOKED_AT = 16;
/** By so much empty images lift the mean Dice. */
const MOST_FLATTERY = 0.1;
/** Share of the validation images that training images are copies or neighbours of. */
const MOST_LEAKING = 0.05;
/** Objects of one image that are this different (IoU) should be drawn differently. */
const DIFFERENT = 0.5;
/** Mean IoU of what is drawn for two different objects. */
const MOST_ALIKE = 0.8;
/** Pairs of objects that are compared. */
const PAIRS = 8;

export interface AlarmContext {
  trainer: Pick<TrainerPort, 'predictMasks'>;
  /** Validation samples, by their index in the trainer. */
  samples: readonly Sample[];
  /** Foreground share of the true masks, in the same order. */
  foreground: readonly (number | undefined)[];
  /** Names of samples that have a copy or a neighbour in another part. */
  leaking: ReadonlySet<string>;
  /** Whether the base itself learns to follow prompts. */
  followsPrompts: boolean;
}

/** What is wrong after an epoch. @param early true while a model may still have learnt too little to be judged by what it draws */
export async function alarmsOf(
  context: AlarmContext,
  outcomes: readonly SampleOutcome[],
  early: boolean,
): Promise<Alarm[]> {
  const masked = outcomes.filter(({ structures }) => structures !== null);
  const found: (Alarm | undefined)[] = [leaking(context), flattered(context, masked)];
  if (!early && masked.length > 0) {
    found.push(await drawsNothing(context, masked));
    if (context.followsPrompts) found.push(await promptDeaf(context));
  }
  return found.filter((alarm) => alarm !== undefined);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share: number): string => `${Math.round(100 * share)} %`;
const diceOf = ({ structures }: SampleOutcome): number => mean((structures ?? []).map(({ dice }) => dice));

function leaking({ samples, leaking: names }: AlarmContext): Alarm | undefined {
  const value = samples.filter(({ name }) => names.has(name)).length / Math.max(1, samples.length);
  if (value <= MOST_LEAKING) return undefined;
  const advice = `${percent(value)} of the validation images have a copy, a neighbour or their patient among the training images, so that the scores are too good: give the data a column of groups, or move these images into one part.`;
  return { kind: 'groups-leak', value, advice };
}

function flattered({ foreground }: AlarmContext, outcomes: readonly SampleOutcome[]): Alarm | undefined {
  const shown = outcomes.filter(({ index }) => (foreground[index] ?? 0) > 0);
  if (shown.length === 0 || shown.length === outcomes.length) return undefined;
  const [all, some] = [mean(outcomes.map(diceOf)), mean(shown.map(diceOf))];
  const value = all - some;
  if (value < MOST_FLATTERY) return undefined;
  const advice = `The mean Dice is ${all.toFixed(2)} on all validation images and ${some.toFixed(2)} on those that show something: ${outcomes.length - shown.length} of ${outcomes.length} are empty and flatter it. Judge by the images with foreground, and leave most empty ones out.`;
  return { kind: 'empty-slices-flatter', value, advice };
}

async function drawsNothing(
  { trainer, foreground }: AlarmContext,
  outcomes: readonly SampleOutcome[],
): Promise<Alarm | undefined> {
  const shown = outcomes.filter(({ index }) => (foreground[index] ?? 0) > 0);
  const missed = shown.filter((outcome) => diceOf(outcome) === 0);
  if (shown.length === 0 || missed.length / shown.length < MOST_UNDRAWN) return undefined;
  const step = Math.max(1, missed.length / LOOKED_AT);
  let [looked, empty] = [0, 0];
  for (let at = 0; at < missed.length; at += step) {
    const { index } = missed[Math.floor(at)] as SampleOutcome;
    const drawn = await trainer.predictMasks('validation', index);
    looked += 1;
    if (!drawn.includes(1)) empty += 1;
  }
  const value = (missed.length / shown.length) * (empty / looked);
  if (value < MOST_UNDRAWN) return undefined;
  const advice = `Nothing is drawn on ${percent(value)} of the validation images that show something: look at whether the masks are read as meant (values, size after scaling), and train longer, at a higher learning rate or on larger crops.`;
  return { kind: 'draws-nothing', value, advice };
}

const imageKey = ({ imagePath, frame }: Sample): string => `${imagePath}#${frame ?? 0}`;

/** Neighbouring samples of one image, each another object of it. */
function pairsOf(samples: readonly Sample[]): [number, number][] {
  const before = new Map<string, number>();
  const pairs: [number, number][] = [];
  samples.forEach((sample, index) => {
    const other = before.get(imageKey(sample));
    if (other !== undefined) pairs.push([other, index]);
    before.set(imageKey(sample), index);
  });
  return pairs;
}

/** A model that follows prompts draws other masks for other objects of the same image. */
async function promptDeaf({ trainer, samples }: AlarmContext): Promise<Alarm | undefined> {
  const alike: number[] = [];
  for (const [one, other] of pairsOf(samples)) {
    if (alike.length === PAIRS) break;
    const [a, b] = [await trueMask(samples[one]), await trueMask(samples[other])];
    if (iou(a, b) > DIFFERENT) continue;
    const drawn = [await trainer.predictMasks('validation', one), await trainer.predictMasks('validation', other)];
    // Two empty masks are alike because nothing is drawn, which is another disease.
    if (drawn.some((mask) => mask.includes(1))) alike.push(iou(drawn[0] as Uint8Array, drawn[1] as Uint8Array));
  }
  if (alike.length === 0) return undefined;
  const value = mean(alike);
  if (value < MOST_ALIKE) return undefined;
  const advice = `For different objects of one image nearly the same is drawn (IoU ${value.toFixed(2)} over ${alike.length} pairs): the prompts are not followed. Train on images with several objects, each with a mask of its own, and train the base's adapters with it.`;
  return { kind: 'prompt-deaf', value, advice };
}

async function trueMask(sample: Sample | undefined): Promise<Uint8Array> {
  return (sample && (await decodeSample(sample)).masks) ?? new Uint8Array();
}

/** Of two masks of one size; 1 where both are empty. */
function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  a.forEach((value, at) => {
    const other = b[at] ?? 0;
    both += value & other;
    either += value | other;
  });
  return either === 0 ? 1 : both / either;
}
