// Where a version comes from, as people read it.

import { z } from 'zod';
import { basisText, estimateSchema } from '../scoring/metrics/estimate';
import { duration } from '../common/duration';
import { score, table } from './table';

const versionSchema = z.object({ name: z.string(), version: z.number(), sha256: z.string() });

/** Versions of before may lack any field. */
const lineageSchema = z.object({
  base: versionSchema,
  dataset: z.looseObject({
    reference: z.string().optional(),
    fingerprint: z.string(),
    samples: z.record(z.string(), z.number()).optional(),
    skipped: z.number().optional(),
    split: z.looseObject({ seed: z.number(), validationFraction: z.number(), testFraction: z.number() }).optional(),
    groupColumn: z.string().nullable().optional(),
  }),
  training: z.looseObject({
    job: z.string().optional(),
    createdBy: z.string().optional(),
    seed: z.number().optional(),
    seconds: z.number().optional(),
    startedFrom: versionSchema.optional(),
    hardware: z.looseObject({ cpu: z.string(), threads: z.number(), device: z.string() }).optional(),
  }),
  codeVersion: z.string(),
  licence: z.string(),
  scores: z.record(
    z.string(),
    z.looseObject({
      unit: z.string(),
      units: z.number(),
      resamples: z.number().optional(),
      estimates: z.record(z.string(), estimateSchema),
    }),
  ),
});

export type Lineage = z.infer<typeof lineageSchema>;

/** The lineage of a model's message; undefined where the service does not tell it. */
export function lineageOf(json: string): Lineage | undefined {
  return json === '' ? undefined : lineageSchema.parse(JSON.parse(json));
}

const versionText = ({ name, version, sha256 }: z.infer<typeof versionSchema>): string =>
  `${name}@${version}, sha256 ${sha256}`;

function dataRows({ reference, fingerprint, samples, skipped, split, groupColumn }: Lineage['dataset']): string[][] {
  const counts = Object.entries(samples ?? {}).map(([part, count]) => `${count} ${part}`);
  return [
    ['data set', reference ?? 'a folder that is not registered'],
    ['data fingerprint', fingerprint],
    ['images', [...counts, ...(skipped ? [`${skipped} files left out`] : [])].join(', ')],
    [
      'split',
      split === undefined
        ? ''
        : `seed ${split.seed}, validation ${split.validationFraction}, test ${split.testFraction} where the data has none`,
    ],
    ['never separated', groupColumn ?? ''],
  ];
}

function trainingRows(training: Lineage['training']): string[][] {
  const { job, createdBy, seed, seconds, startedFrom, hardware, ...numbers } = training;
  const plain = Object.entries(numbers).filter(([, value]) => typeof value !== 'object');
  return [
    ['hyperparameters', plain.map(([name, value]) => `${name} ${String(value)}`).join(', ')],
    ['seed', seed === undefined ? '' : String(seed)],
    ['started from', startedFrom === undefined ? '' : versionText(startedFrom)],
    ['hardware', hardware === undefined ? '' : `${hardware.device}, ${hardware.cpu}, ${hardware.threads} threads`],
    ['duration', seconds === undefined ? '' : duration(seconds)],
    ['job', job ?? ''],
    ['asked for by', createdBy ?? ''],
  ];
}

/** Facts and scores, what is not known left out. */
export function lineageText({ base, dataset, training, codeVersion, licence, scores }: Lineage): string {
  const facts = [
    ['base', versionText(base)],
    ...dataRows(dataset),
    ...trainingRows(training),
    ['code version', codeVersion],
    ['licence', licence],
  ].filter(([, value]) => value !== '');
  const measured = Object.entries(scores).flatMap(([part, { estimates, resamples }]) => {
    const images = dataset.samples?.[part];
    return Object.entries(estimates).map(([name, { value, low, high, ...counts }]) => [
      part,
      name,
      score(value),
      low === undefined || high === undefined ? '-' : `${score(low)} to ${score(high)}`,
      basisText(counts, { images, resamples }),
    ]);
  });
  return [
    table(['LINEAGE', ''], facts),
    ...(measured.length > 0 ? ['', table(['PART', 'SCORE', 'VALUE', '95 % INTERVAL', 'MEASURED ON'], measured)] : []),
  ].join('\n');
}
