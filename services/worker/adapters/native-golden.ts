import { digestAnswer } from '../../../native/lib';
import { inputRuleText } from '../../store';
import type { AnswerGolden } from '../domain/register/make-golden';
import { workerEngine } from './worker-engine';

/** Loads the weights as the services do, asks them about one image, and lets them go. */
export const answerNatively: AnswerGolden = async ({ base, head }, machine, pixels) => {
  const engine = workerEngine(machine, 0);
  try {
    const encoder = await engine.loadBase(base.weightsPath, JSON.stringify(base.manifest.architecture));
    const architecture = JSON.stringify(head.architecture);
    const model = await engine.loadModel(encoder, head.weightsPath, architecture, inputRuleText(head.preprocessing));
    return await digestAnswer(engine, model, pixels, head.threshold);
  } finally {
    await engine.close();
  }
};
