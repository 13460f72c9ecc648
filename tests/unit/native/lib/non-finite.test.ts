// Weights that are finite, and so load, but whose answers are not.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, EVERYTHING_DEFAULTS, Trainer, type AutomedError, type Prompts } from '../../../../native/lib';
import {
  makeMicroEngine,
  makeMicroFiles,
  MICRO_CLASSIFICATION,
  noise,
  trainerOptions,
  type MicroEngine,
  type MicroFiles,
} from '../../../support/micro';
import { fillTensors } from '../../../support/unsound';

let files: MicroFiles;
const open: (Engine | Trainer)[] = [];

beforeAll(async () => {
  files = await makeMicroFiles();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});
afterAll(() => files.remove());

/** An engine on copies of the weights, with one tensor of `of` made huge. */
async function unsound(of: 'base' | 'segmentation' | 'classification', tensor: RegExp): Promise<MicroEngine> {
  const changed = join(files.folder, `unsound-${of}.safetensors`);
  copyFileSync(files[of], changed);
  fillTensors(changed, tensor);
  const made = await makeMicroEngine({ ...files, [of]: changed });
  open.push(made.engine);
  return made;
}

const image = noise(90, 70);
const point: Prompts = {
  points: Float32Array.of(30, 20),
  labels: Float32Array.of(1),
  boxes: null,
  mask: null,
  multimask: false,
  threshold: 0.5,
};
const outcome = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    ({ code, name, message }: AutomedError) => [code, name, /\(([\w ]+)\)/.exec(message)?.[1]],
  );
const refused = (what: string) => ['NON_FINITE_OUTPUT', 'CheckpointError', what];

test('an embedding of NaN or Inf is an error of whoever needs it, and is not kept', async () => {
  const { engine, base, segmentation, classification } = await unsound('base', /^image_encoder\.neck\.3\.weight$/);
  const embeddingKey = 'key';
  expect(await outcome(engine.encode(base, image, { embeddingKey }))).toEqual(refused('embedding'));
  expect(engine.stats().cachedEmbeddings).toBe(0);
  expect(await outcome(engine.segment(segmentation, image, 0.5))).toEqual(refused('embedding'));
  expect(await outcome(engine.classify(classification, image))).toEqual(refused('embedding'));
  expect(await outcome(engine.predictMasks(base, image, point))).toEqual(refused('embedding'));
});

test('mask logits of a head', async () => {
  const { engine, segmentation, classification } = await unsound('segmentation', /output_upscaling\.1\.weight$/);
  expect(await outcome(engine.segment(segmentation, image, 0.5))).toEqual(refused('mask logits'));
  expect(await outcome(engine.classify(classification, image))).toBe('answered');
  const both = engine.analyze(
    [
      { model: classification, task: 'classification' },
      { model: segmentation, task: 'segmentation', threshold: 0.5 },
    ],
    image,
  );
  expect(await outcome(both)).toEqual(refused('mask logits'));
});

test('probabilities, also where one class alone is infinite', async () => {
  const { engine, classification } = await unsound('classification', /running_mean$/);
  expect(await outcome(engine.classify(classification, image))).toEqual(refused('probabilities'));
});

test.each([
  ['mask logits', /^mask_decoder\.output_upscaling\.1\.weight$/],
  ['predicted IoUs', /^mask_decoder\.iou_prediction_head\.layers\.(1\.bias|2\.weight)$/],
])('%s of prompts and of everything mode', async (what, tensor) => {
  const { engine, base } = await unsound('base', tensor);
  expect(await outcome(engine.predictMasks(base, image, point))).toEqual(refused(what));
  const everything = { ...EVERYTHING_DEFAULTS, pointsPerSide: 2 };
  expect(await outcome(engine.findEverything(base, image, everything))).toEqual(refused(what));
});

test('a mask prompt beyond 1e9 is the fault of the caller', async () => {
  const made = await makeMicroEngine(files);
  open.push(made.engine);
  const mask = new Float32Array(16 * 16).fill(-3.4e38);
  const call = made.engine.predictMasks(made.base, image, { ...point, mask });
  await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'mask_logits' });
});

test.each([-3.4e38, 1.1e9])(
  'float pixels of %p are the fault of the caller, 1e9 and below are computed',
  async (bad) => {
    const made = await makeMicroEngine(files);
    open.push(made.engine);
    const of = (value: number) => {
      const data = new Uint8Array(new Float32Array(90 * 70).map((_, at) => (at % 7 === 0 ? value : 100)).buffer);
      return { data, width: 90, height: 70, channels: 1, sampleType: 'float32' } as const;
    };
    await expect(made.engine.segment(made.segmentation, of(bad), 0.5)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'pixels',
      message: expect.stringContaining('[-1e9, 1e9]') as string,
    });
    const { probabilities } = await made.engine.classify(made.classification, of(-1e9));
    expect(probabilities.every(Number.isFinite)).toBe(true);
  },
);

test('an evaluation of NaN or Inf ends a training, though nothing was learned from it', async () => {
  const changed = join(files.folder, 'unsound-head.safetensors');
  copyFileSync(files.classification, changed);
  fillTensors(changed, /running_mean$/);
  const options = { task: 'classification', headArchitecture: MICRO_CLASSIFICATION, headWeightsPath: changed } as const;
  const trainer = await Trainer.create(trainerOptions(files, options));
  open.push(trainer);
  await trainer.addClassificationSample('validation', noise(64, 64), 1);
  await expect(trainer.evaluate('validation')).rejects.toMatchObject({ code: 'ILLEGAL_STATE', field: 'loss' });
});
