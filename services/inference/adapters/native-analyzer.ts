import type { Engine, Head, Model } from '../../../native/lib';
import type { ModelIdentity } from '../../common/inference';
import { inputRuleText, type ModelManifest } from '../../store';
import type { Analyzer, Opinion } from '../domain/analyze-image';
import type { Embeddings } from './embeddings';
import { originOf, type NativeHost } from './native-engine';

interface LoadedModel {
  readonly identity: ModelIdentity;
  readonly head: Model;
  readonly preprocessing: string;
  readonly manifest: ModelManifest;
  readonly maskCount: number;
}

/** Models of both tasks, run side by side on the engine. */
export function nativeAnalyzer(host: NativeHost, engine: Engine, embeddings: Embeddings): Analyzer<LoadedModel> {
  return {
    acquire: async (reference) => {
      const lease = await host.acquireAny(reference);
      const { manifest } = lease.model;
      const maskCount = manifest.task === 'segmentation' ? manifest.structures.length : 0;
      const preprocessing = inputRuleText(manifest.preprocessing);
      return { model: { ...lease.model, preprocessing, maskCount }, release: () => lease.release() };
    },
    run: async (models, pixels, options) => {
      // Those of one call have one base and one preprocessing; any that has use for the embedding names it.
      const origin = models.map(originOf).find((each) => each !== undefined);
      const shared = await embeddings.sharing(options, pixels, origin);
      const { outputs, timings } = await engine.analyze(models.map(toHead), pixels, shared);
      const opinions = models.map(({ manifest }, index): Opinion => {
        const output = outputs[index];
        if (manifest.task === 'segmentation' && output?.task === 'segmentation') {
          const { threshold, structures } = manifest;
          return { task: 'segmentation', masks: output.masks, threshold, structures };
        }
        if (manifest.task === 'classification' && output?.task === 'classification') {
          return { task: 'classification', probabilities: output.probabilities, classes: manifest.classes };
        }
        throw new Error('the engine answered for another task');
      });
      return { opinions, timings };
    },
  };
}

function toHead({ head, manifest }: LoadedModel): Head {
  return manifest.task === 'segmentation'
    ? { model: head, task: 'segmentation', threshold: manifest.threshold }
    : { model: head, task: 'classification' };
}
