import type { Backbone } from '../../../proto/gen/automed/models/v1/Backbone';
import type { Base } from '../../../proto/gen/automed/models/v1/Base';
import type { LookUpSamplesResponse } from '../../../proto/gen/automed/models/v1/LookUpSamplesResponse';
import type { Model } from '../../../proto/gen/automed/models/v1/Model';
import { isRandom, type BackboneManifest, type SamplePart, type Task } from '../../store';
import { automedError } from '../../common/errors';
import type { SampleKnowledge } from '../domain/look-up-samples';
import type { BaseView, ModelView } from '../domain/registry';

const BACKBONE_KINDS = {
  'mobilenet-v3-large': 'BACKBONE_KIND_MOBILENET_V3_LARGE',
  'hardnet-85': 'BACKBONE_KIND_HARDNET_85',
} as const satisfies Record<BackboneManifest['architecture']['kind'], string>;

/** The task of a filter; undefined keeps all. */
export function toTask(task: string): Task | undefined {
  if (task === 'TASK_UNSPECIFIED') return undefined;
  if (task === 'TASK_SEGMENTATION') return 'segmentation';
  if (task === 'TASK_CLASSIFICATION') return 'classification';
  throw automedError('INVALID_ARGUMENT', `The task ${task} is not known.`, { field: 'task' });
}

export function toModel({ manifest, aliases, loaded }: ModelView): Model {
  const model: Model = {
    name: manifest.name,
    version: manifest.version,
    task: manifest.task === 'segmentation' ? 'TASK_SEGMENTATION' : 'TASK_CLASSIFICATION',
    baseName: manifest.base.name,
    baseVersion: manifest.base.version,
    baseSha256: manifest.base.sha256,
    weightsSha256: manifest.weights.sha256,
    weightsBytes: manifest.weights.bytes,
    aliases,
    metrics: numbersOf(manifest.metrics),
    createTime: toTimestamp(manifest.created),
    loaded,
    architectureJson: JSON.stringify(manifest.architecture),
  };
  if (manifest.task === 'segmentation') {
    model.structures = manifest.structures;
    model.threshold = manifest.threshold;
  } else {
    model.classes = manifest.classes;
  }
  return model;
}

/** A model with where it comes from. */
export function toDescribedModel(view: ModelView): Model {
  const { base, dataset, preprocessing, training, metrics, codeVersion, licence, terms } = view.manifest;
  const lineage = { base, dataset, preprocessing, training, codeVersion, licence, scores: intervalsOf(metrics), terms };
  return { ...toModel(view), lineageJson: JSON.stringify(lineage) };
}

/** What each part's scores are known to; models of before have none. */
function intervalsOf(metrics: Record<string, unknown>): Record<string, unknown> {
  const parts = Object.entries(metrics).flatMap(([part, measured]) => {
    const { intervals } = (measured ?? {}) as { intervals?: unknown };
    return intervals === undefined ? [] : [[part, intervals]];
  });
  return Object.fromEntries(parts) as Record<string, unknown>;
}

export function toBase({ manifest, loaded }: BaseView): Base {
  return {
    name: manifest.name,
    version: manifest.version,
    weightsSha256: manifest.weights.sha256,
    weightsBytes: manifest.weights.bytes,
    createTime: toTimestamp(manifest.created),
    loaded,
    architectureJson: JSON.stringify(manifest.architecture),
    origin: manifest.origin,
    randomWeights: isRandom(manifest),
  };
}

export function toBackbone(manifest: BackboneManifest): Backbone {
  return {
    name: manifest.name,
    version: manifest.version,
    weightsSha256: manifest.weights.sha256,
    weightsBytes: manifest.weights.bytes,
    createTime: toTimestamp(manifest.created),
    kind: BACKBONE_KINDS[manifest.architecture.kind],
    origin: manifest.origin,
  };
}

export function toSampleKnowledge({ origins, unrecorded, ...rest }: SampleKnowledge): LookUpSamplesResponse {
  const nameOf = (part: SamplePart) => `SAMPLE_PART_${part.toUpperCase() as Uppercase<SamplePart>}` as const;
  return {
    ...rest,
    origins: origins.map((origin) => ({
      ...(origin?.part === undefined ? {} : { part: nameOf(origin.part) }),
      seen: origin?.seen ?? false,
    })),
    unrecorded: [...unrecorded],
  };
}

/** The metrics that are single numbers, those of a part as `validation.mdsc`; curves and matrices stay in the report. */
function numbersOf(metrics: Record<string, unknown>): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value === 'number') numbers[name] = value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    for (const [metric, score] of Object.entries(value)) {
      if (typeof score === 'number') numbers[`${name}.${metric}`] = score;
    }
  }
  return numbers;
}

function toTimestamp(iso: string): { seconds: string; nanos: number } {
  const ms = Date.parse(iso);
  return { seconds: String(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}
