import { call, type CallOptions } from './call';
import type { Base, ClassifyResponse, Finding, Image, Model, SegmentResponse } from './types';

const MODELS = 'automed.models.v1.ModelService';
const ANALYSIS = 'automed.analysis.v1.AnalysisService';

/** Every version of every model. */
export async function listModels(options: CallOptions = {}): Promise<Model[]> {
  const models: Model[] = [];
  for (let pageToken = ''; ;) {
    const page = await call<{ models?: Model[]; nextPageToken?: string }>(
      MODELS,
      'ListModels',
      { pageSize: 1000, pageToken },
      options,
    );
    models.push(...(page.models ?? []));
    pageToken = page.nextPageToken ?? '';
    if (pageToken === '') return models;
  }
}

export async function listBases(options: CallOptions = {}): Promise<Base[]> {
  const { bases = [] } = await call<{ bases?: Base[] }>(MODELS, 'ListBases', { pageSize: 1000 }, options);
  return bases;
}

/** What the models say of one image; the image is encoded once for each base. */
export async function analyze(
  [model = '', ...additionalModels]: readonly string[],
  image: Image,
  options: CallOptions = {},
): Promise<Finding[]> {
  const request = { model, additionalModels, image, maskFormat: 'MASK_FORMAT_COCO_RLE' };
  const { findings = [] } = await call<{ findings?: Finding[] }>(ANALYSIS, 'Analyze', request, options);
  return findings;
}

/** The masks of one image with the probability of each pixel. @param model `name@version` */
export function segmentWithProbabilities(
  model: string,
  image: Image,
  options: CallOptions = {},
): Promise<SegmentResponse> {
  const request = { model, image, maskFormat: 'MASK_FORMAT_COCO_RLE', probabilities: true };
  return call('automed.segmentation.v1.SegmentationService', 'Segment', request, options);
}

/** @param model `name@version`; `saliency` asks where the evidence for a class was found */
export function classify(
  model: string,
  image: Image,
  { saliency }: { saliency: { className: string } },
  options: CallOptions = {},
): Promise<ClassifyResponse> {
  return call('automed.classification.v1.ClassificationService', 'Classify', { model, image, saliency }, options);
}

/** The newest version of each name, by name. */
export function newestVersions<T extends { name: string; version: number }>(all: readonly T[]): T[] {
  const newest = new Map<string, T>();
  for (const each of all) {
    const known = newest.get(each.name);
    if (!known || known.version < each.version) newest.set(each.name, each);
  }
  return [...newest.values()].sort((a, b) => a.name.localeCompare(b.name));
}

export const reference = ({ name, version }: { name: string; version: number }): string => `${name}@${version}`;

/** @param model `name@version` */
export async function getModel(model: string, options: CallOptions = {}): Promise<Model> {
  return (await call<{ model: Model }>(MODELS, 'GetModel', { model }, options)).model;
}
