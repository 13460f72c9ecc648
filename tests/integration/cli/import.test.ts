// bases import and export, models export: the commands in this process, the import in its worker.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initBase, Trainer } from '../../../native/lib';
import { ModelStore, sha256OfFile } from '../../../services/store';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { baseArchitecture } from '../../../services/store/architectures';
import { runCommand as automed } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { trainerOptions } from '../../support/micro';
import { readSafetensors, writePth, type Tensor } from '../../support/pth';

jest.setTimeout(240_000);

const folder = temporaryFolder();
const home = join(folder, 'home');
const weights = join(folder, 'tiny.safetensors');
const pth = join(folder, 'tiny.pth');

const importFile = (file: string, ...options: string[]): ReturnType<typeof automed> =>
  automed('bases', 'import', file, '--arch', 'tiny', '--home', home, ...options);

interface Answer {
  base: string;
  file: { name: string; format: string; bytes: number; sha256: string; checksum_matches_name: boolean | null };
  image_size: number;
  weights: { tensors: number; parameters: number; bytes: number; sha256: string };
  converted: { name: string; from: number[]; to: number[] }[];
  left_out: string[];
}

async function imported(file: string, ...options: string[]): Promise<Answer> {
  const { code, out, err } = await importFile(file, '--json', ...options);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Answer;
}

const { architecture } = baseArchitecture('tiny');
const TINY = { baseArchitecture: JSON.stringify(architecture) };
const fullWidthHead = (se: 'improved' | 'plain'): object => ({ kind: 'sam-automed', mobilenet: { width: 1, se } });
let parameters: number;

beforeAll(async () => {
  parameters = await initBase(JSON.stringify(architecture), 5, weights);
  writePth(pth, readSafetensors(weights), true);
});

it('the import makes a base of a .pth file, the same as of its safetensors twin', async () => {
  const fromPth = await imported(pth, '--name', 'from-pth');
  expect(fromPth).toMatchObject({
    base: 'from-pth@1',
    file: { name: 'tiny.pth', format: 'PyTorch zip', sha256: await sha256OfFile(pth), checksum_matches_name: null },
    image_size: 256,
    weights: { parameters, tensors: readSafetensors(weights).size },
    converted: [],
    left_out: ['epoch'],
  });
  const fromSafetensors = await imported(weights, '--name', 'from-safetensors');
  expect(fromSafetensors.weights).toEqual(fromPth.weights);
  expect(fromSafetensors.file.format).toBe('safetensors');
  const { manifest } = await (await ModelStore.open(home)).resolveBase('from-pth');
  expect(manifest).toMatchObject({ family: 'sam-med2d', parameters });
  expect(manifest.origin).toContain('tiny.pth (PyTorch zip, sha256 ');
});

it('the import tells a reader what it did', async () => {
  const { code, out } = await importFile(pth, '--name', 'told');
  expect(code).toBe(0);
  expect(out).toMatch(/^imported the base told@1 \(256 px\) into /);
  expect(out).toMatch(/file +tiny\.pth: [\d.]+ MB, PyTorch zip, sha256 [0-9a-f]{64}\n/);
  expect(out).toMatch(/weights +\d+ tensors, [\d.]+ M parameters, [\d.]+ MB, sha256 [0-9a-f]{64}\n/);
  expect(out).toMatch(/left out +epoch\n/);
});

it('interpolates the position tables of another image size, when asked to, and nothing else', async () => {
  const large = join(folder, 'large.safetensors');
  await initBase(JSON.stringify({ ...architecture, image_size: 512 }), 5, large);
  const tensors = readSafetensors(large);
  // A ramp over the columns stays a ramp: output column i lies over input column 2 i + 0.5.
  const table = tensors.get('image_encoder.pos_embed');
  const [, rows = 0, columns = 0, channels = 0] = table?.shape ?? [];
  const ramp = new Float32Array(rows * columns * channels);
  for (let i = 0; i < ramp.length; i++) ramp[i] = Math.floor(i / channels) % columns;
  tensors.set('image_encoder.pos_embed', { shape: [1, rows, columns, channels], data: Buffer.from(ramp.buffer) });
  const file = join(folder, 'large.pth');
  writePth(file, tensors);

  const refused = await importFile(file);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('image_encoder.pos_embed is [1, 32, 32, 128] instead of [1, 16, 16, 128]');

  const answer = await imported(file, '--image-size', '256');
  expect(answer).toMatchObject({ base: 'tiny-256@1', image_size: 256 });
  // The embedding, and two tables in each of the two global blocks.
  expect(answer.converted).toHaveLength(5);
  expect(answer.converted).toContainEqual({
    name: 'image_encoder.blocks.3.attn.rel_pos_h',
    from: [63, 32],
    to: [31, 32],
  });
  const { weightsPath } = await (await ModelStore.open(home)).resolveBase('tiny-256');
  const written = readSafetensors(weightsPath);
  const small = written.get('image_encoder.pos_embed');
  expect(small?.shape).toEqual([1, 16, 16, 128]);
  for (const column of [0, 1, 7, 15]) {
    expect(small?.data.readFloatLE((5 * 16 + column) * 128 * 4)).toBeCloseTo(2 * column + 0.5, 4);
  }
  const changed = [...written].filter(([name, { data }]) => !tensors.get(name)?.data.equals(data));
  expect(changed.map(([name]) => name).sort()).toEqual(answer.converted.map(({ name }) => name).sort());
});

it('the import starts SAM-Med2D from SAM: adapters at random, images fitted as asked', async () => {
  const sam = join(folder, 'sam.safetensors');
  await initBase(JSON.stringify(baseArchitecture('tiny-sam').architecture), 5, sam);
  expect((await importFile(sam, '--name', 'refused')).err).toContain('missing: image_encoder.blocks.0.Adapter');
  await imported(sam, '--name', 'start', '--new-adapters', '--seed', '4', '--fit', 'longest-side');
  const { manifest, weightsPath } = await (await ModelStore.open(home)).resolveBase('start');
  expect(manifest.architecture).toEqual({ ...architecture, fit: 'longest-side' });
  expect(manifest.origin).toContain('adapters at random from seed 4');
  const stem = 'image_encoder.patch_embed.proj.weight';
  expect(readSafetensors(weightsPath).get(stem)).toEqual(readSafetensors(sam).get(stem));
  const without = await automed('bases', 'import', sam, '--arch', 'tiny-sam', '--new-adapters', '--home', home);
  expect(without).toMatchObject({ code: 1, err: expect.stringContaining('tiny-sam has no adapters') });
});

it('the import measures a base as it is, with boxes and with points', async () => {
  await imported(weights, '--name', 'measured');
  const data = join(folder, 'lesions');
  const { segmentation } = await writeDemoData(data, { seed: 3, trainCount: 8, testCount: 3 });
  const options = ['--data', segmentation, '--part', 'test', '--home', home, '--threads', '1', '--json'];
  const { code, out } = await automed('bases', 'evaluate', 'measured', ...options);
  expect(code).toBe(0);
  const score = expect.any(Number);
  expect(JSON.parse(out)).toMatchObject({ base: 'measured@1', images: 3, mdsc: score, point: { mdsc: score } });
});

it('the import makes a backbone of a MobileNet, which a training run starts from', async () => {
  // The published structure: that of our own network with plain blocks, and a classifier.
  const tensors = new Map<string, Tensor>();
  const plain = join(folder, 'plain.safetensors');
  const options = { headArchitecture: JSON.stringify(fullWidthHead('plain')), seed: 9 };
  const source = await Trainer.create(trainerOptions({ folder, base: weights }, { ...TINY, ...options }));
  await source.exportWeights(plain, null);
  await source.close();
  for (const [name, tensor] of readSafetensors(plain)) {
    const [, published] = /^image_prompt\.backbone\.(.*)$/.exec(name) ?? [];
    if (published !== undefined) tensors.set(published, tensor);
  }
  tensors.set('classifier.3.bias', { shape: [4], data: Buffer.alloc(16) });
  const file = join(folder, 'mobilenet_v3_large.pth');
  writePth(file, tensors);

  const said = await automed('bases', 'import', '--mobilenet', file, '--home', home, '--json');
  expect(said.code).toBe(0);
  const answer = JSON.parse(said.out) as { backbone: string; left_to_train: string[]; left_out: string[] };
  expect(answer.backbone).toBe('mobilenet-v3-large@1');
  expect(answer.left_to_train).toHaveLength(8 * 4);
  expect(answer.left_out).toContain('classifier.3.bias');
  const listed = await automed('bases', 'list', '--json', '--home', home);
  expect(JSON.parse(listed.out)).toMatchObject({ backbones: [{ kind: 'mobilenet-v3-large' }] });

  const { weightsPath } = await (await ModelStore.open(home)).resolveBackbone('mobilenet-v3-large');
  const head = join(folder, 'improved.safetensors');
  const run = await Trainer.create(
    trainerOptions(
      { folder, base: weights },
      { ...TINY, headArchitecture: JSON.stringify(fullWidthHead('improved')), backboneWeightsPath: weightsPath },
    ),
  );
  await run.exportWeights(head, null);
  await run.close();
  const stem = 'features.0.0.weight';
  const started = readSafetensors(head).get(`image_prompt.backbone.${stem}`);
  expect(started?.data.equals(tensors.get(stem)?.data ?? Buffer.alloc(0))).toBe(true);

  expect((await automed('bases', 'import', pth, '--mobilenet', file, '--arch', 'tiny', '--home', home)).code).toBe(2);
  expect((await automed('bases', 'import', '--hardnet', file, '--home', home)).err).toContain('not HarDNet-85');
});

it('the import lists everything that is missing, unexpected and mis-shaped in one error, and registers nothing', async () => {
  const tensors = readSafetensors(weights);
  tensors.delete('mask_decoder.iou_token.weight');
  tensors.set('stranger', { shape: [1], data: Buffer.alloc(4) });
  tensors.set('image_encoder.neck.1.bias', { shape: [2], data: Buffer.alloc(8) });
  const file = join(folder, 'wrong.pth');
  writePth(file, tensors);
  const { code, err } = await importFile(file, '--name', 'wrong');
  expect(code).toBe(1);
  expect(err).toContain('1 missing: mask_decoder.iou_token.weight');
  expect(err).toContain('1 unexpected: stranger');
  expect(err).toContain('image_encoder.neck.1.bias is [2] instead of [64]');
  expect(existsSync(join(home, 'bases', 'wrong'))).toBe(false);
});

it('the import says in a sentence why a file is none of these', async () => {
  const page = join(folder, 'sam-med2d_b.pth');
  writeFileSync(page, '<!DOCTYPE html><title>Google Drive: too many downloads</title>');
  expect((await importFile(page)).err).toContain('neither a safetensors file nor one of torch.save');
  const cut = join(folder, 'cut.pth');
  writeFileSync(cut, readFileSync(pth).subarray(0, 100_000));
  expect((await importFile(cut)).err).toContain('the file is cut');
  expect((await importFile(join(folder, 'absent.pth'))).err).toContain('absent.pth does not exist');
  expect((await importFile(pth, '--image-size', '250')).code).toBe(2);
});

it('the import compares the checksum with the one in the name', async () => {
  const sha256 = await sha256OfFile(pth);
  const letter = /[a-f]/.exec(sha256)?.index ?? 0;
  const right = join(folder, `tiny_${sha256.slice(0, Math.max(6, Math.min(8, letter + 1)))}.pth`);
  writeFileSync(right, readFileSync(pth));
  if (letter < 8) expect((await imported(right, '--name', 'named')).file.checksum_matches_name).toBe(true);
  const wrong = join(folder, 'sam_vit_b_01ec64.pth');
  writeFileSync(wrong, readFileSync(pth));
  const { code, err } = await importFile(wrong, '--name', 'named');
  expect(code).toBe(0);
  expect(err).toContain('the checksum of sam_vit_b_01ec64.pth is not the one in its name');
});

it('exports what it imported, bit for bit, and replaces a file only when it is told to', async () => {
  const answer = await imported(pth, '--name', 'exported');
  const out = join(folder, 'out.safetensors');
  const { code, out: said } = await automed('bases', 'export', 'exported', '--out', out, '--home', home);
  expect(code).toBe(0);
  expect(said).toContain(answer.weights.sha256);
  expect(await sha256OfFile(out)).toBe(answer.weights.sha256);
  expect((await automed('bases', 'export', 'exported', '--out', out, '--home', home)).err).toContain('--force');
  expect((await automed('bases', 'export', 'exported', '--out', out, '--home', home, '--force')).code).toBe(0);
  expect((await automed('bases', 'export', 'nobody', '--out', out, '--home', home)).code).toBe(1);
  const elsewhere = join(folder, 'no', 'out.safetensors');
  expect((await automed('bases', 'export', 'exported', '--out', elsewhere, '--home', home)).err).toContain('no folder');
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
