// What a finished run tells about itself: its report, and the card that goes with the model.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawCases, type Case } from '../../../scoring/report/cases';
import { MODEL_CARD, modelCard, type CardFacts, type CardPart } from '../../../scoring/report/model-card';
import type { Fact } from '../../../scoring/report/sections';
import { writeReport, type PartReport, type Report } from '../../../scoring/report/write-report';
import { assess, type Assessment, type ScoredSample } from '../../../scoring/results/assessment';
import { type Part, PARTS } from '../../../datasets/files/part-names';
import type { Sample } from '../../../datasets/samples/sample';
import type { Labels, SampleOutcome } from '../../../scoring/results/evaluation';
import { decodeSample } from '../../../datasets/load/load-samples';
import type { Losses } from '../../../checks/model-view';
import type { TrainerPort } from '../ports/trainer';
import type { RunResult } from './run-result';
import { describeAgreement, type ReducedPrecision } from '../../../store';
import { DEFAULT_SYSTEM } from '../../protocol/systems';

/** The scores of a sample under its name, with what of its masks the model cannot see. */
function scoredSample(
  { name, group }: Sample,
  outcome: SampleOutcome,
  losses: readonly Losses[] | undefined,
): ScoredSample {
  const { loss, structures, point, probabilities, label } = outcome;
  return {
    name,
    ...(group === undefined ? {} : { group }),
    loss,
    structures: structures?.map((scores, index) => ({ ...scores, ...losses?.[index] })) ?? null,
    point,
    probabilities: probabilities === null ? null : Array.from(probabilities),
    label,
  };
}

async function casesOf(
  trainer: TrainerPort,
  part: Part,
  samples: readonly Sample[],
  scored: readonly ScoredSample[],
  labels: Labels,
): Promise<Case[]> {
  const read = async (index: number) => {
    const { pixels, masks } = await decodeSample(samples[index]!);
    return { pixels, truth: masks, predicted: masks ? await trainer.predictMasks(part, index) : undefined };
  };
  return drawCases(scored, read, labels);
}

/** Scores the parts with the weights that the trainer holds; the pictures show the test part where there is one. */
export async function buildReport(trainer: TrainerPort, result: RunResult): Promise<Report> {
  const { spec, data, state, structures } = result;
  const labels = { classes: data.classes, structures };
  const shown = data.parts.test.length > 0 ? 'test' : 'validation';
  const parts: Record<string, PartReport> = {};
  for (const part of shown === 'test' ? (['validation', 'test'] as const) : (['validation'] as const)) {
    const samples = (await trainer.evaluate(part)).map((outcome) =>
      scoredSample(
        data.parts[part][outcome.index] ?? { name: '', imagePath: '' },
        outcome,
        data.losses[part][outcome.index],
      ),
    );
    parts[part] = { samples, metrics: assess(samples, labels, { seed: spec.seed }) };
  }
  const scored = parts[shown]?.samples ?? [];
  return {
    title: spec.name,
    labels,
    history: state.history,
    parts,
    shown,
    facts: [...dataFacts(result), ...lineageFacts(result), ...trainingFacts(result)],
    ...(spec.reportImages ? { cases: await casesOf(trainer, shown, data.parts[shown], scored, labels) } : {}),
  };
}

function dataFacts({ spec, data, structures }: RunResult): Fact[] {
  const counts = PARTS.map((part) => `${data.parts[part].length} ${part}`).join(', ');
  return [
    ...(spec.dataset === undefined ? [] : [{ name: 'data set', value: spec.dataset.reference }]),
    { name: 'fingerprint', value: data.fingerprint },
    { name: 'images', value: counts },
    {
      name: 'never separated by a split',
      value: data.groupColumn ?? 'nothing: the data has no groups, or not of every sample',
    },
    { name: 'files left out', value: String(data.skipped) },
    ...(structures.length > 0 ? [{ name: 'structures', value: structures.join(', ') }] : []),
    ...(data.classes.length > 0 ? [{ name: 'classes', value: data.classes.join(', ') }] : []),
  ];
}

/** What is trained of the encoder with each part. */
const OF_THE_ENCODER = { head: 'nothing, it is frozen', adapters: 'its adapters', encoder: 'all' } as const;

function lineageFacts({ spec, base, codeVersion }: RunResult): Fact[] {
  const { name, version, weights, origin, licence } = base.manifest;
  return [
    { name: 'base', value: `${name}@${version}, sha256 ${weights.sha256}` },
    { name: 'origin of the base', value: origin },
    { name: 'licence of the base', value: licence },
    { name: 'trained of its encoder', value: OF_THE_ENCODER[spec.train] },
    ...(spec.startFrom === undefined ? [] : [{ name: 'started from', value: spec.startFrom }]),
    ...(spec.backbone === undefined ? [] : [{ name: 'backbone', value: spec.backbone }]),
    { name: 'code version', value: codeVersion },
  ];
}

function trainingFacts({ spec, recipe, state, seconds }: RunResult): Fact[] {
  return [
    { name: 'system', value: spec.system ?? DEFAULT_SYSTEM[spec.task] },
    {
      name: 'recipe',
      value: `${spec.recipe}: ${Object.entries(recipe)
        .map(([key, value]) => `${key} ${value}`)
        .join(', ')}`,
    },
    { name: 'seed', value: String(spec.seed) },
    { name: 'best epoch', value: `${state.bestEpoch} of ${state.epochs}` },
    { name: 'duration', value: `${Math.round(seconds)} s` },
  ];
}

function cardPart(samples: readonly Sample[], classes: readonly string[]): CardPart {
  const groups = new Set(samples.flatMap(({ group }) => (group === undefined ? [] : [group])));
  return {
    images: samples.length,
    groups: groups.size > 0 ? groups.size : undefined,
    perClass: classes.map((_, index) => samples.filter(({ label }) => label === index).length),
  };
}

function purposeOf({ spec, head, structures, data }: RunResult): string {
  if (head === null) return 'draws what boxes and points mark on images like those it was trained on';
  return spec.task === 'segmentation'
    ? `draws ${structures.join(', ')} on images like those it was trained on`
    : `tells ${data.classes.join(', ')} apart on images like those it was trained on`;
}

/** One line for each precision that was measured. */
function precisionFacts({ bfloat16 }: ReducedPrecision): Fact[] {
  return bfloat16 ? [{ name: 'encoder in bfloat16', value: describeAgreement(bfloat16) }] : [];
}

function cardOf(
  result: RunResult,
  name: string,
  metrics: Record<string, Assessment>,
  reduced: ReducedPrecision,
): CardFacts {
  const { data, spec } = result;
  return {
    name,
    purpose: purposeOf(result),
    classes: data.classes,
    data: dataFacts(result),
    parts: {
      train: cardPart(data.parts.train, data.classes),
      validation: cardPart(data.parts.validation, data.classes),
      test: cardPart(data.parts.test, data.classes),
    },
    groupColumn: data.groupColumn,
    skipped: data.skipped,
    lineage: lineageFacts(result),
    training: [...trainingFacts(result), ...precisionFacts(reduced)],
    metrics,
    licence: spec.licence,
  };
}

export function metricsOf({ parts }: Report): Record<string, Assessment> {
  return Object.fromEntries(Object.entries(parts).map(([part, { metrics }]) => [part, metrics]));
}

/** Writes MODEL_CARD.md into the folder of a version. */
export async function writeCard(
  folder: string,
  name: string,
  result: RunResult,
  report: Report,
  reduced: ReducedPrecision = {},
): Promise<void> {
  await writeFile(join(folder, MODEL_CARD), modelCard(cardOf(result, name, metricsOf(report), reduced)));
}

/** Writes report/ and MODEL_CARD.md into the folder of a version. */
export async function writeRunReport(
  folder: string,
  result: RunResult,
  report: Report,
  reduced: ReducedPrecision = {},
): Promise<void> {
  await writeReport(join(folder, 'report'), report);
  await writeCard(folder, result.spec.name, result, report, reduced);
}
