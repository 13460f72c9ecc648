import { join } from 'node:path';
import type { DemoFolders } from '../../synthetic/demo-data';
import type { TrainSpecInput } from '../../worker/protocol/protocol';
import { CliError } from '../program/errors';
import { TrainingDisplay } from '../output/training-display';
import { displayEvents } from '../training/display-events';
import { runWorker } from '../training/worker';
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

/**
 * Trains SAM-AutoMed with its encoder, and SAM-MedCls on that encoder, which then stays as it is. The workers are given
 * the training part only: they split their own validation off it and never see the test part.
 */
export async function trainModels(plan: DemoRun, folders: DemoFolders, workspace: Workspace): Promise<TrainedModels> {
  const { store } = workspace;
  const { seed, threads, validationFraction } = plan;
  const created = await runWorker({ type: 'createBase', spec: { store, name: BASE_NAME, arch: 'tiny', seed } });
  const common = { store, seed, threads, validationFraction, licence: 'synthetic pictures; no restrictions' };
  const begun = performance.now();
  const segmentation = await trainOne('SAM-AutoMed', {
    ...common,
    task: 'segmentation',
    name: SEGMENTATION_MODEL,
    data: join(folders.segmentation, 'train'),
    base: created.base ?? BASE_NAME,
    encoder: 'all',
    structure: 'lesion',
    overrides: plan.segmentation,
    jobFolder: join(workspace.jobs, 'segmentation'),
  });
  const base = segmentation.base ?? BASE_NAME;
  const classification = await trainOne('SAM-MedCls', {
    ...common,
    task: 'classification',
    name: CLASSIFICATION_MODEL,
    data: join(folders.classification, 'train'),
    base,
    // Both have a MobileNet of the same shape: it has learnt already what a lesion looks like.
    startFrom: segmentation.model,
    overrides: plan.classification,
    jobFolder: join(workspace.jobs, 'classification'),
  });
  return {
    segmentation: segmentation.model,
    classification: classification.model,
    base,
    trainSeconds: (performance.now() - begun) / 1000,
    reports: [segmentation.report, classification.report].filter((report) => report !== undefined),
  };
}

async function trainOne(
  title: string,
  spec: TrainSpecInput,
): Promise<{ model: string; base: string | undefined; report: string | undefined }> {
  const display = new TrainingDisplay(title);
  const metric = spec.task === 'segmentation' ? 'mdsc' : 'accuracy';
  const { model, base, report } = await runWorker({ type: 'train', spec }, displayEvents(display, metric)).finally(() =>
    display.close(),
  );
  if (model === undefined) throw new CliError(`${title}: the training worker registered no model`);
  return { model, base, report };
}
