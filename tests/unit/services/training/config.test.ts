import { ConfigError } from '../../../../services/common/config';
import { capacityOf, processGroupSettings, readTrainingConfig } from '../../../../services/training/config';

const read = (environment: Record<string, string> = {}) => readTrainingConfig([], environment);
const CLUSTER = {
  AUTOMED_TRAINING_LAUNCHER: 'kubernetes',
  AUTOMED_TRAINING_KUBERNETES_IMAGE: 'registry.example/automed:1',
};

test('ranks are processes of this machine unless a cluster is asked for', () => {
  const config = read({ AUTOMED_TRAINING_CONCURRENCY: '2', AUTOMED_TRAINING_THREADS: '3' });
  expect(processGroupSettings(config)).toBeUndefined();
  expect(capacityOf(config)).toEqual({ concurrency: 2, threadsPerJob: 3 });
});

test('a cluster needs an image, and gives each rank the whole cores of its share', () => {
  expect(() => read({ AUTOMED_TRAINING_LAUNCHER: 'kubernetes' })).toThrow(/AUTOMED_TRAINING_KUBERNETES_IMAGE/);
  expect(capacityOf(read({ ...CLUSTER, AUTOMED_TRAINING_KUBERNETES_CPU: '7500m' })).remoteThreads).toBe(7);
  expect(capacityOf(read({ ...CLUSTER, AUTOMED_TRAINING_KUBERNETES_CPU: '500m' })).remoteThreads).toBe(1);
  expect(capacityOf(read(CLUSTER)).remoteThreads).toBe(2);
});

test('volumes, node labels and amounts are read, and what is malformed is named', () => {
  const config = read({
    ...CLUSTER,
    AUTOMED_TRAINING_KUBERNETES_VOLUMES: 'store=/store, data=/data',
    AUTOMED_TRAINING_KUBERNETES_NODE_SELECTOR: 'pool=gpu',
    AUTOMED_TRAINING_KUBERNETES_GPUS: '1',
  });
  expect(processGroupSettings(config)).toMatchObject({
    image: 'registry.example/automed:1',
    namespace: 'default',
    gpus: 1,
    volumes: [
      { claim: 'store', path: '/store' },
      { claim: 'data', path: '/data' },
    ],
    nodeSelector: { pool: 'gpu' },
  });
  const wrong = { AUTOMED_TRAINING_KUBERNETES_VOLUMES: 'store', AUTOMED_TRAINING_KUBERNETES_MEMORY: 'much' };
  let problems: readonly string[] = [];
  try {
    read({ ...CLUSTER, ...wrong });
  } catch (error) {
    problems = error instanceof ConfigError ? error.problems : [];
  }
  expect(problems).toEqual([
    'AUTOMED_TRAINING_KUBERNETES_MEMORY: must be a quantity such as 4 or 16Gi',
    'AUTOMED_TRAINING_KUBERNETES_VOLUMES: store is no NAME=VALUE',
  ]);
});
