import { buildInfo, digestAnswer } from '../../../native/lib';
import { inputRuleText } from '../../store';
import type { LoadPrecisionPair } from '../domain/register/measure-agreement';
import { workerEngine } from './worker-engine';

/** Loads weights as the services do, once in float32 and once in bfloat16. */
export const loadNativePrecisionPair: LoadPrecisionPair = async ({ base, head }, machine) => {
  const engine = workerEngine(machine, 0);
  try {
    const architecture = JSON.stringify(base.manifest.architecture);
    const load = async (precision: 'float32' | 'bfloat16') =>
      engine.loadModel(
        await engine.loadBase(base.weightsPath, architecture, precision),
        head.weightsPath,
        JSON.stringify(head.architecture),
        inputRuleText(head.preprocessing),
      );
    const [exact, reduced] = [await load('float32'), await load('bfloat16')];
    return {
      exact: (pixels) => digestAnswer(engine, exact, pixels, head.threshold),
      reduced: (pixels) => digestAnswer(engine, reduced, pixels, head.threshold),
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
};

/** Whether this machine can measure it: emulation would say nothing of the hardware that is to serve. */
export function canMeasureBfloat16(device: string): boolean {
  const { cpuComputesInBfloat16, cudaAvailable } = buildInfo();
  return device === 'cpu' || (device === 'auto' && !cudaAvailable) ? cpuComputesInBfloat16 : true;
}
