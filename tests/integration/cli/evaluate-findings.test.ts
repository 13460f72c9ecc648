// `automed evaluate` through a gateway: it says of the data what a check says, and refuses what makes scores wrong.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ModelStore, WEIGHTS_FILE } from '../../../services/store';
import { runCommand as automed } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

const root = temporaryFolder();
const [WIDTH, HEIGHT] = [640, 512];
let inference: Program;
let gateway: Program;

/** A grey mask: `value` in a rectangle, 0 around it. */
interface Drawn {
  value: number;
  x: number;
  y: number;
  side: number;
}

const disc: Drawn = { value: 255, x: 200, y: 150, side: 200 };

async function folder(name: string, masks: readonly (readonly Drawn[])[]): Promise<string> {
  const data = join(root, name);
  for (const each of ['images', 'masks']) mkdirSync(join(data, each), { recursive: true });
  for (const [n, drawn] of masks.entries()) {
    const values = Buffer.alloc(WIDTH * HEIGHT);
    for (const { value, x, y, side } of drawn) {
      for (let row = y; row < y + side; row += 1) values.fill(value, row * WIDTH + x, row * WIDTH + x + side);
    }
    writeFileSync(join(data, 'images', `${n}.png`), (await discImage(WIDTH, HEIGHT, n + 1)).png);
    const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
    writeFileSync(join(data, 'masks', `${n}.png`), await sharp(values, { raw }).toColourspace('b-w').png().toBuffer());
  }
  return data;
}

/** A second version with the weights of the first that records which values of masks were foreground. */
async function recordMaskValues(store: ModelStore, maskValues: string): Promise<void> {
  const { manifest, weightsPath } = await store.resolveModel('disc@1');
  const { name, base, preprocessing, architecture, training, metrics, dataset, codeVersion, licence } = manifest;
  if (manifest.task !== 'segmentation') throw new Error('a segmentation model was expected');
  const { task, structures, threshold } = manifest;
  const shared = { name, base, preprocessing, architecture, training, metrics, codeVersion, licence };
  const draft = { ...shared, task, structures, threshold, dataset: { ...dataset, maskValues } };
  await store.registerModel(draft, async (target) => {
    copyFileSync(weightsPath, join(target, WEIGHTS_FILE));
    return Promise.resolve();
  });
}

beforeAll(async () => {
  const home = join(root, 'home');
  await (await makeStore(home)).addSegmentation('disc', 2);
  await recordMaskValues(await ModelStore.open(home), '2');
  inference = await startProgram('inference', { AUTOMED_HOME: home });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
});

afterAll(async () => {
  await gateway.stop();
  await inference.stop();
});

interface Report {
  images: number;
  failed: number;
  findings: { kind: string; severity: string; message: string; names: string[] }[];
  intervals: { estimates: Record<string, { value: number; images?: number; lesions?: number } | undefined> };
}

async function evaluate(
  model: string,
  data: string,
  ...options: string[]
): Promise<{ code: number; err: string; report: () => Report }> {
  const { code, out, err } = await automed(
    ...['evaluate', model, '--data', data, '--json', '--address', gateway.address, ...options],
  );
  return { code, err, report: () => JSON.parse(out) as Report };
}

it('evaluate refuses masks of which it is not certain what they show, unless their values are stated or problems allowed', async () => {
  const labels: Drawn[] = [
    { ...disc, value: 1 },
    { value: 2, x: 10, y: 10, side: 90 },
  ];
  const data = await folder('labels', [[disc], [disc], [disc], labels]);
  const refused = await evaluate('disc@1', data);
  expect(refused.code).not.toBe(0);
  expect(refused.err).toMatch(/scores wrong: it is not certain what 1 mask shows: it holds 0, 1, 2.*\(images\/3.png\)/);
  const allowed = await evaluate('disc@1', data, '--allow-data-problems');
  expect(allowed.report()).toMatchObject({
    images: 3,
    failed: 1,
    findings: [{ kind: 'mask-values', severity: 'error' }, {}],
  });
  expect(allowed.err).toContain('error: it is not certain');
  const stated = await evaluate('disc@1', data, '--mask-values', '2,255');
  expect(stated.report()).toMatchObject({ images: 4, failed: 0, findings: [] });
});

it('evaluate counts masks and lesions of which nothing is left at the size of the model', async () => {
  const speck = { value: 255, x: 0, y: 0, side: 1 };
  const data = await folder('specks', [[disc], [disc, speck], [speck], []]);
  const { err, report } = await evaluate('disc@1', data);
  expect(err).toMatch(
    /warning: 1 of 4 masks show something that is lost at the size of the model's input.*: images\/2.png/,
  );
  const { findings, intervals } = report();
  expect(findings.map(({ kind, names }) => [kind, names])).toEqual([
    ['empty-mask', ['images/3.png']],
    ['vanishing-mask', ['images/2.png']],
    ['vanishing-lesion', ['images/1.png']],
  ]);
  expect(err).toMatch(/warning: in 1 of 4 masks 1 lesion is lost .*, beside others that are left: images\/1.png/);
  expect(intervals.estimates['vanished_masks']).toMatchObject({ value: 1, images: 3 });
  expect(intervals.estimates['vanished_lesions']).toMatchObject({ value: 2, images: 3, lesions: 4 });
});

it('evaluate reads masks by the values that the model records, and says so', async () => {
  const data = await folder('recorded', [
    [
      { ...disc, value: 1 },
      { value: 2, x: 10, y: 10, side: 90 },
    ],
    [{ value: 2, x: 10, y: 10, side: 90 }],
  ]);
  const { err, report } = await evaluate('disc@2', data);
  expect(err).toContain('the foreground of masks is "2", as disc@2 records it');
  expect(report()).toMatchObject({ images: 2, failed: 0, findings: [] });
  const other = await evaluate('disc@2', await folder('others', [[disc], [disc]]));
  expect(other.code).not.toBe(0);
  expect(other.err).toMatch(/2 masks hold values, and not one of them any that is stated as foreground/);
});

it('evaluate says which rule of values is used where another one is stated', async () => {
  const data = await folder('rule', [[disc], [disc]]);
  const { err } = await evaluate('disc@1', data, '--intensity', 'window:0:4095');
  expect(err).toMatch(/stated as window:0:4095, and disc@1 was trained on full: full, the rule of the model, is used/);
  const same = await evaluate('disc@1', data, '--intensity', 'full');
  expect(same.report().findings).toEqual([]);
});
