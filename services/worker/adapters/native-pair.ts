import type { Base, Head, HeadOutput, Model } from '../../../native/lib';
import type { Answer, LoadPair, OnBase } from '../domain/evaluation/compare-models';
import { inputRuleText } from '../../store';
import { workerEngine } from './worker-engine';

/** Embeddings of the one image under way; the second model on the same base finds it. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** Two models on an engine of their own, which share a base where they stand on the same. */
export const loadNativePair: LoadPair = async (first, second, machine) => {
  const engine = workerEngine(machine, CACHE_BYTES);
  const bases = new Map<string, Promise<Base>>();
  const load = async ({ model, base }: OnBase): Promise<Head> => {
    const { sha256 } = base.manifest.weights;
    const loading = bases.get(sha256) ?? engine.loadBase(base.weightsPath, JSON.stringify(base.manifest.architecture));
    bases.set(sha256, loading);
    const architecture = JSON.stringify(model.manifest.architecture);
    const head = await engine.loadModel(await loading, model.weightsPath, architecture, ruleOf({ model }));
    return headOf(head, model);
  };
  try {
    const heads = [await load(first), await load(second)] as const;
    const together =
      first.base.manifest.weights.sha256 === second.base.manifest.weights.sha256 && ruleOf(first) === ruleOf(second);
    return {
      answers: async (pixels) => {
        const runs = together
          ? (await engine.analyze(heads, pixels)).outputs
          : [await engine.analyze([heads[0]], pixels), await engine.analyze([heads[1]], pixels)].flatMap(
              ({ outputs }) => outputs,
            );
        return [answerOf(runs[0]), answerOf(runs[1])];
      },
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
};

const ruleOf = ({ model }: Pick<OnBase, 'model'>): string => inputRuleText(model.manifest.preprocessing);

function headOf(model: Model, { manifest }: OnBase['model']): Head {
  return manifest.task === 'segmentation'
    ? { model, task: 'segmentation', threshold: manifest.threshold }
    : { model, task: 'classification' };
}

function answerOf(output: HeadOutput | undefined): Answer {
  if (output?.task === 'segmentation') return { masks: output.masks.map(({ mask }) => mask), probabilities: [] };
  if (output?.task === 'classification') return { masks: [], probabilities: output.probabilities };
  throw new Error('the engine answered less than it was asked');
}
