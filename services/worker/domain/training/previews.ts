// Pictures of how a job's model does after each epoch: the same few validation images every time, in one PNG. They lie beside
// the job's folder, because they stay until the job is deleted; the event in its history only names them.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../../common/make-folder';
import { replaceFile } from '../../../store/durable';
import { casesPng, drawSamples } from '../../../scoring/report/cases';
import type { WorkerEvent } from '../../protocol/protocol';
import type { Sample } from '../../../datasets/samples/sample';
import type { Labels, SampleOutcome } from '../../../scoring/results/evaluation';
import { decodeSample } from '../../../datasets/load/load-samples';
import type { TrainerPort } from '../ports/trainer';

export type PreviewEvent = Extract<WorkerEvent, { type: 'preview' }>;

const PICTURES = 4;
const COLUMNS = 2;
/** Longest side of a picture, pixels. */
const SIDE = 256;
/** Epochs whose previews stay on the disk, the newest. */
const KEPT = 100;
const FILE = /^epoch-(\d+)\.png$/;

/** Which samples are shown, in the order of their names and spread over all; a sample of several structures takes their room. */
export function chooseShown(samples: number, structures: number): number[] {
  const count = Math.min(samples, Math.max(1, Math.floor(PICTURES / Math.max(1, structures))));
  return Array.from({ length: count }, (_, index) => Math.floor((index * samples) / count));
}

export interface PreviewContext {
  trainer: TrainerPort;
  /** Validation samples, by their index in the trainer. */
  samples: readonly Sample[];
  labels: Labels;
  folder: string;
}

/** Draws the validation images that are shown with the trainer's weights, which it does not change, and keeps the newest epochs. */
export async function drawPreview(
  { trainer, samples, labels, folder }: PreviewContext,
  epoch: number,
  outcomes: readonly SampleOutcome[],
): Promise<PreviewEvent> {
  const shown = chooseShown(samples.length, labels.structures.length);
  const scored = shown.map((index) => {
    const outcome = outcomes.find((each) => each.index === index)!;
    const { structures, point, probabilities, label } = outcome;
    const shares = probabilities === null ? null : Array.from(probabilities);
    return { name: samples[index]!.name, structures, point, probabilities: shares, label };
  });
  const read = async (at: number) => {
    const { pixels, masks } = await decodeSample(samples[shown[at]!]!);
    return {
      pixels,
      truth: masks,
      predicted: masks ? await trainer.predictMasks('validation', shown[at]!) : undefined,
    };
  };
  const chosen = scored.map((_, index) => ({ index, rank: 'middle' as const }));
  const cases = (await drawSamples(chosen, scored, read, labels)).slice(0, PICTURES);
  const file = `epoch-${epoch}.png`;
  await makeFolder(folder);
  await replaceFile(join(folder, file), await casesPng(cases, { columns: COLUMNS, cell: SIDE, ranked: false }));
  for (const name of await readdir(folder)) {
    const old = FILE.exec(name)?.[1];
    if (old !== undefined && Number(old) <= epoch - KEPT) await rm(join(folder, name), { force: true });
  }
  return { type: 'preview', epoch, file, pictures: cases.map(({ name, caption }) => ({ name, caption })) };
}
