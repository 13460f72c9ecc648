// The only place of the services that serve models where the addon is called.

import { type Base, buildInfo, Engine, type Model, type EngineOptions } from '../../../native/lib';
import type { ClassificationModels } from '../../classification/role';
import type { Lease } from '../../common/inference';
import type { SegmentationModels } from '../../segmentation/role';
import type { HostedModel, Loader, ModelHost } from '../domain/model-host';

export type NativeHost = ModelHost<Base, Model>;
export { buildInfo, Engine };
export type { EngineOptions };

export function nativeLoader(engine: Engine): Loader<Base, Model> {
  return {
    loadBase: (weightsPath, architecture) => engine.loadBase(weightsPath, architecture),
    loadHead: (base, weightsPath, architecture) => engine.loadModel(base, weightsPath, architecture),
  };
}

export function segmentationModels(host: NativeHost, engine: Engine): SegmentationModels {
  return {
    acquire: async (reference) =>
      withModel(await host.acquire(reference, 'segmentation'), ({ head, manifest, identity }) => ({
        identity,
        threshold: manifest.task === 'segmentation' ? manifest.threshold : 0.5,
        structure: manifest.task === 'segmentation' ? (manifest.structures[0] ?? '') : '',
        segment: (pixels, threshold, options) => engine.segment(head, pixels, threshold, options),
      })),
  };
}

export function classificationModels(host: NativeHost, engine: Engine): ClassificationModels {
  return {
    acquire: async (reference) =>
      withModel(await host.acquire(reference, 'classification'), ({ head, manifest, identity }) => ({
        identity,
        classes: manifest.task === 'classification' ? manifest.classes : [],
        classify: (pixels, options) => engine.classify(head, pixels, options),
      })),
  };
}

function withModel<T>(lease: Lease<HostedModel<Model>>, face: (hosted: HostedModel<Model>) => T): Lease<T> {
  return { model: face(lease.model), release: () => lease.release() };
}
