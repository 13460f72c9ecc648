// The only place of the services that serve models where the addon is called.

import { type Base, buildInfo, Engine, spinBriefly, type Model, type EngineOptions } from '../../../native/lib';
import type { ClassificationModels } from '../../classification/role';
import type { Lease, ModelIdentity } from '../../common/inference';
import type { SegmentationModels } from '../../segmentation/role';
import { inputRuleText, type ModelManifest } from '../../store';
import type { Embeddings } from './embeddings';
import { prove } from './native-proof';
import type { EmbeddingOrigin } from '../domain/embedding-id';
import type { HostedModel, Loader, ModelHost } from '../domain/model-host';

export type NativeHost = ModelHost<Base, Model>;
export { buildInfo, Engine, spinBriefly };
export type { EngineOptions };

/** @param golden whether models must answer their golden image as they did at registration */
export function nativeLoader(
  engine: Engine,
  embeddings: Embeddings,
  { golden }: { golden: boolean },
): Loader<Base, Model> {
  return {
    loadBase: (weightsPath, architecture, precision) => engine.loadBase(weightsPath, architecture, precision),
    loadHead: (base, weightsPath, architecture, preprocessing) =>
      engine.loadModel(base, weightsPath, architecture, inputRuleText(preprocessing)),
    prove: (head, stored) => {
      const { manifest } = stored;
      const identity = { baseSha256: manifest.base.sha256, precision: head.base.precision };
      const origin = originOf({ identity, manifest });
      return prove(engine, head, stored, {
        golden,
        share: (pixels, options) => embeddings.sharing(options, pixels, origin),
      });
    },
  };
}

export function segmentationModels(host: NativeHost, engine: Engine, embeddings: Embeddings): SegmentationModels {
  return {
    acquire: async (reference) =>
      withModel(await host.acquire(reference, 'segmentation'), ({ head, manifest, identity }) => ({
        identity,
        threshold: manifest.task === 'segmentation' ? manifest.threshold : 0.5,
        structures: manifest.task === 'segmentation' ? manifest.structures : [],
        segment: async (pixels, threshold, options, probabilities) =>
          engine.segment(
            head,
            pixels,
            threshold,
            await embeddings.sharing(options, pixels, originOf({ identity, manifest })),
            probabilities,
          ),
      })),
  };
}

export function classificationModels(host: NativeHost, engine: Engine, embeddings: Embeddings): ClassificationModels {
  return {
    acquire: async (reference) =>
      withModel(await host.acquire(reference, 'classification'), ({ head, manifest, identity }) => ({
        identity,
        classes: manifest.task === 'classification' ? manifest.classes : [],
        classify: async (pixels, options, saliency) => {
          const shared = await embeddings.sharing(options, pixels, originOf({ identity, manifest }));
          return engine.classify(head, pixels, shared, saliency);
        },
      })),
  };
}

/** What the embedding of a model's base depends on; undefined for a model that looks at the image alone. */
export function originOf({
  identity,
  manifest,
}: {
  identity: Pick<ModelIdentity, 'baseSha256' | 'precision'>;
  manifest: ModelManifest;
}): EmbeddingOrigin | undefined {
  const { architecture } = manifest;
  if (architecture.kind === 'sam-medcls' && architecture.features === 'mobilenet') return undefined;
  const { baseSha256, precision } = identity;
  return { baseSha256, precision, preprocessing: inputRuleText(manifest.preprocessing) };
}

function withModel<T>(lease: Lease<HostedModel<Model>>, face: (hosted: HostedModel<Model>) => T): Lease<T> {
  return { model: face(lease.model), release: () => lease.release() };
}
