// Prompts, everything mode and analysis from the command line, against the gateway and the inference service as processes.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodeMask } from '../../../services/imaging/mask';
import { runCommand as automed } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

const [WIDTH, HEIGHT] = [60, 40];
const folder = temporaryFolder();
const image = join(folder, 'image.png');
let inference: Program;
let gateway: Program;
let address: string[];

beforeAll(async () => {
  const home = join(folder, 'home');
  const store = await makeStore(home);
  await store.addSegmentation('disc');
  await store.addClassification('kinds');
  inference = await startProgram('inference', { AUTOMED_HOME: home });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
  address = ['--address', gateway.address];
  writeFileSync(image, (await discImage(WIDTH, HEIGHT)).png);
});

afterAll(async () => {
  await gateway.stop();
  await inference.stop();
});

interface PromptedAnswer {
  masks: { area_px: number; predicted_iou: number; object_index?: number; stability?: number; file: string | null }[];
  embedding_id: string;
  base: { name: string; version: number; precision: string };
  timings: { embedding_cached: boolean };
}

async function prompted(...options: string[]): Promise<PromptedAnswer> {
  const { code, out, err } = await automed('segment', image, '--base', 'tiny', '--json', ...options, ...address);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [answer] = (JSON.parse(out) as { images: PromptedAnswer[] }).images;
  return answer as PromptedAnswer;
}

describe('automed segment --base', () => {
  it('draws what a point is on, writes the mask and says in one line what it found', async () => {
    const mask = join(folder, 'mask.png');
    const answer = await prompted('--point', '30,20', '--mask', mask);
    expect(answer).toMatchObject({ base: { name: 'tiny', version: 1, precision: 'float32' } });
    expect(answer.masks).toHaveLength(1);
    const drawn = await decodeMask(readFileSync(mask));
    expect([drawn.width, drawn.height]).toEqual([WIDTH, HEIGHT]);
    expect(drawn.mask.reduce((sum, value) => sum + value, 0)).toBe(answer.masks[0]?.area_px);
    const { code, out, err } = await automed('segment', image, '--base', 'disc', '--point', '30,20', ...address);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\S+image\.png: (no )?foreground .*predicted IoU -?\d\.\d\d, \d+ ms\n$/);
  });

  it('proposes several masks, and draws several objects, each into a file of its own', async () => {
    const folderOfMasks = join(folder, 'several');
    mkdirSync(folderOfMasks);
    const boxes = ['--box', '0,0,30,40', '--box', '30,0,60,40'];
    const answer = await prompted(...boxes, '--multimask', '--mask', `${folderOfMasks}/`);
    expect(answer.masks.map(({ object_index }) => object_index)).toEqual([0, 0, 0, 1, 1, 1]);
    const files = answer.masks.map(({ file }) => file ?? '');
    expect(files).toEqual([1, 2, 3, 4, 5, 6].map((number) => join(folderOfMasks, `image-${number}.png`)));
    for (const file of files) expect((await sharp(file).metadata()).width).toBe(WIDTH);
    const { out } = await automed('segment', image, '--base', 'tiny', ...boxes, ...address);
    expect(
      out
        .split('\n')
        .slice(1, 3)
        .map((line) => line.slice(0, 5)),
    ).toEqual(['  1: ', '  2: ']);
  });

  it('reuses the embedding of an earlier answer, and sends the image again where it is gone', async () => {
    const first = await prompted('--point', '3,4');
    const again = await prompted('--point', '5,6', '--embedding', first.embedding_id);
    expect(again).toMatchObject({ embedding_id: first.embedding_id, timings: { embedding_cached: true } });
    const gone = [...first.embedding_id].reverse().join('');
    const resent = await prompted('--point', '5,6', '--embedding', gone);
    expect(resent.embedding_id).toBe(first.embedding_id);
    expect(resent.masks).toEqual(again.masks);
    const calls = inference.lines.filter(({ method }) => method === 'PredictMasks');
    expect(calls.slice(-2).map(({ code }) => code)).toEqual(['NOT_FOUND', 'OK']);
  });

  it('finds everything', async () => {
    const overlay = join(folder, 'overlay.png');
    const options = ['--points-per-side', '3', '--min-iou', '0', '--min-stability', '0'];
    const answer = await prompted('--everything', ...options, '--overlay', overlay);
    expect(answer.masks.length).toBeGreaterThan(0);
    expect(answer.masks.every(({ stability = -1 }) => stability >= 0)).toBe(true);
    expect(await sharp(overlay).metadata()).toMatchObject({ width: WIDTH, height: HEIGHT });
  });

  it('says in one line which prompt lies outside the image, and which base is not there', async () => {
    const outside = await automed('segment', image, '--base', 'tiny', '--point', '1,1', '--point', '60,1', ...address);
    expect(outside).toMatchObject({ code: 1, out: '' });
    expect(outside.err).toMatch(/^automed: [^\n]*points\[1\]\.x_px must lie in \[0, 60\)[^\n]*\n$/);
    const missing = await automed('segment', image, '--base', 'ghost', '--point', '1,1', ...address);
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toMatch(/^automed: There is no base and no segmentation model "ghost"[^\n]*\n$/);
  });
});

describe('automed analyze', () => {
  it('asks models of both tasks, with one encoder pass', async () => {
    const unseen = join(folder, 'unseen.png');
    writeFileSync(unseen, (await discImage(WIDTH, HEIGHT, 77)).png);
    const models = ['--model', 'disc', '--model', 'kinds'];
    const { code, out, err } = await automed('analyze', unseen, ...models, '--json', ...address);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [answer] = (JSON.parse(out) as { images: { findings: unknown[]; encoder_pass_count: number }[] }).images;
    expect(answer).toMatchObject({
      encoder_pass_count: 1,
      base_count: 1,
      findings: [
        { task: 'segmentation', masks: [{ structure: 'polyp' }], model: { name: 'disc' } },
        { task: 'classification', model: { name: 'kinds' } },
      ],
    });
    const lines = (await automed('analyze', unseen, ...models, ...address)).out.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/unseen\.png: disc@1: (no )?polyp .* ms$/),
      expect.stringMatching(/unseen\.png: kinds@1: \w+ 0\.\d{3}, .* ms$/),
    ]);
  });

  it('says in one line that a model does not exist', async () => {
    const { code, out, err } = await automed('analyze', image, '--model', 'disc', '--model', 'ghost', ...address);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^automed: There is no model "ghost"[^\n]*\n$/);
  });
});
