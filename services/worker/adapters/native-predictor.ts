import { inputRuleText } from '../../store';
import type { LoadPredictor } from '../domain/evaluation/predictor';
import { workerEngine } from './worker-engine';

/** No image is asked about twice. */
const CACHE_BYTES = 1024 * 1024;

/** Loads a model as the services that serve it do. */
export const loadNativePredictor: LoadPredictor = async ({ model, base }, machine) => {
  const engine = workerEngine(machine, CACHE_BYTES);
  try {
    const encoder = await engine.loadBase(base.weightsPath, JSON.stringify(base.manifest.architecture));
    const { architecture, preprocessing } = model.manifest;
    const rule = inputRuleText(preprocessing);
    const head = await engine.loadModel(encoder, model.weightsPath, JSON.stringify(architecture), rule);
    return {
      segment: async (pixels, threshold, signal) =>
        (await engine.segment(head, pixels, threshold, { signal })).masks.map(({ mask }) => mask),
      classify: async (pixels, signal) => Array.from((await engine.classify(head, pixels, { signal })).probabilities),
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
};
