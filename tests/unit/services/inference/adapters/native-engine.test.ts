import { originOf } from '../../../../../services/inference/adapters/native-engine';
import { baseArchitecture, standardPreprocessing, type ModelManifest } from '../../../../../services/store';
import { classificationHead } from '../../../../support/heads';

const { architecture: base } = baseArchitecture('tiny');
const whole = classificationHead(base, 3);
const identity = {
  name: 'kinds',
  version: 1,
  weightsSha256: 'a',
  baseName: 'tiny',
  baseVersion: 1,
  baseSha256: 'b',
  precision: 'float32',
};
const origin = (architecture: object) =>
  originOf({
    identity,
    manifest: { architecture, preprocessing: standardPreprocessing(base) } as unknown as ModelManifest,
  });

test('only models that look at an embedding name one', () => {
  expect(origin(whole)).toMatchObject({ baseSha256: 'b', precision: 'float32' });
  expect(origin({ kind: 'sam-medcls', features: 'encoder', classes: 3 })).toBeDefined();
  expect(origin({ ...whole, features: 'mobilenet' })).toBeUndefined();
});
