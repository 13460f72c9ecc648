// A frozen encoder in training: its weights are packed for the CPU's kernels, and what is learned and written is the same.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Trainer, type TrainerOptions } from '../../../../native/lib';
import { makeMicroFiles, trainerOptions, type MicroFiles } from '../../../support/micro';
import { readSafetensors } from '../../../support/pth';
import { addSquares } from '../../../support/squares';

let files: MicroFiles;
const open: Trainer[] = [];

beforeAll(async () => {
  files = await makeMicroFiles();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((trainer) => trainer.close()));
});
afterAll(() => files.remove());

async function make(changes: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const trainer = await Trainer.create(trainerOptions(files, changes));
  open.push(trainer);
  await addSquares(trainer, 'train', 6);
  await addSquares(trainer, 'validation', 2);
  return trainer;
}

async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const values: number[] = [];
  for (let step = 0; step < steps; step++) values.push((await trainer.train(1)).loss);
  return values;
}

describe('a frozen encoder', () => {
  it.each([
    ['a head learns', {}],
    ['the base learns to follow prompts', { headArchitecture: null }],
  ])('with packed weights gives what plain ones give, where %s', async (_, changes: Partial<TrainerOptions>) => {
    const plain = await losses(await make({ ...changes, encoderWeights: 'plain' }), 4);
    const packed = await losses(await make(changes), 4);
    for (const [at, loss] of packed.entries()) expect(loss).toBeCloseTo(plain[at]!, 4);
    expect(await losses(await make(changes), 4)).toEqual(packed);
  });

  it.each([['packed'], ['plain']] as const)(
    'with %s weights is written as it was read, though the file is gone',
    async (encoderWeights) => {
      const copy = join(files.folder, `base-${encoderWeights}.safetensors`);
      await (await make({ headArchitecture: null, train: 'head' })).exportWeights(null, copy);
      const trainer = await make({ headArchitecture: null, baseWeightsPath: copy, encoderWeights });
      rmSync(copy);
      await losses(trainer, 2);
      const target = join(files.folder, `trained-${encoderWeights}.safetensors`);
      await trainer.exportWeights(null, target);
      const [before, after] = [readSafetensors(files.base), readSafetensors(target)];
      expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
      const same = [...after].filter(([name, { data }]) => data.equals(before.get(name)!.data)).map(([name]) => name);
      expect(same).toEqual(
        expect.arrayContaining([...before.keys()].filter((name) => name.startsWith('image_encoder.'))),
      );
      expect(same).not.toContain('mask_decoder.iou_token.weight');
    },
  );
});

describe('steps of a training', () => {
  it('tell how long they waited for their samples', async () => {
    const trainer = await make({ rotationDegrees: 20 });
    for (let step = 0; step < 4; step++) {
      const { waitSeconds } = await trainer.train(1);
      expect(waitSeconds).toBeGreaterThan(0);
      expect(waitSeconds).toBeLessThan(60);
    }
  });

  it('learn from samples that were added after the next batch had been made ahead', async () => {
    const trainer = await make();
    expect(await trainer.train(99)).toMatchObject({ images: 6, epochDone: true });
    await addSquares(trainer, 'train', 2);
    expect(await trainer.train(99)).toMatchObject({ images: 8, epochDone: true });
  });
});
