import { join } from 'node:path';
import type { TrainingSpec } from '../../../proto/gen/automed/training/v1/TrainingSpec';
import type { AutomedClient } from '../../client';
import type { DemoFolders } from '../../synthetic/demo-data';
import type { TrainingJobSpecInput } from '../../worker/protocol/protocol';
import { toSpec } from '../../worker/protocol/training-spec-message';
import { CliError } from '../program/errors';
import { withTraining } from '../program/session';
import { resultOf, type TrainedResult } from '../../terminal/trained-result';
import { trainStep } from '../training/run';
import { BASE_NAME, CLASSIFICATION_MODEL, SEGMENTATION_MODEL, type DemoRun } from './plan';
import type { Workspace } from './workspace';

export interface TrainedModels {
  /** `name@version`. */
  segmentation: string;
  classification: string;
  base: string;
  /** Of both runs together. */
  trainSeconds: number;
  reports: string[];
}

/** Trains both models as jobs of a training service that ends with them. */
export async function trainModels(plan: DemoRun, folders: DemoFolders, { store }: Workspace): Promise<TrainedModels> {
  return withTraining({ home: store }, (client) => trainBoth(plan, folders, { client, store }), {
    runs: 'watched',
    threads: plan.threads,
    creates: true,
    local: true,
  });
}

interface Services {
  client: AutomedClient;
  store: string;
}

/**
 * Trains SAM-AutoMed with its encoder, and SAM-MedCls on that encoder, which then stays as it is. The trainings are given
 * the training part only: they split their own validation off it and never see the test part.
 */
async function trainBoth(plan: DemoRun, folders: DemoFolders, services: Services): Promise<TrainedModels> {
  const { seed, threads, validationFraction } = plan;
  const created = await services.client.bases.create({ name: BASE_NAME, arch: 'tiny', seed });
  const common = { seed, threads, validationFraction, device: 'cpu', licence: 'synthetic pictures; no restrictions' };
  const begun = performance.now();
  const segmentation = await trainOne('SAM-AutoMed', services, {
    ...common,
    task: 'segmentation',
    name: SEGMENTATION_MODEL,
    data: join(folders.segmentation, 'train'),
    base: created.base,
    train: 'encoder',
    structure: 'lesion',
    overrides: plan.segmentation,
  });
  const classification = await trainOne('SAM-MedCls', services, {
    ...common,
    task: 'classification',
    name: CLASSIFICATION_MODEL,
    data: join(folders.classification, 'train'),
    base: segmentation.base,
    // Both have a MobileNet of the same shape: it has learnt already what a lesion looks like.
    startFrom: segmentation.model,
    overrides: plan.classification,
  });
  return {
    segmentation: segmentation.model,
    classification: classification.model,
    base: segmentation.base,
    trainSeconds: (performance.now() - begun) / 1000,
    reports: [segmentation.report, classification.report].filter((report) => report !== undefined),
  };
}

async function trainOne(
  title: string,
  { client, store }: Services,
  spec: TrainingJobSpecInput,
): Promise<TrainedResult & { model: string }> {
  const message: TrainingSpec = toSpec(spec);
  const result = resultOf(await trainStep(client.trainingJobs, message, { title }), store);
  if (result.model === undefined) throw new CliError(`${title}: the training registered no model`);
  return { ...result, model: result.model };
}
