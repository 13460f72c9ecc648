import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelStore } from '../../../../../../services/store';
import { importBase, matchesName, type WriteBase } from '../../../../../../services/worker/domain/bases/import-base';
import type { ImportSpec } from '../../../../../../services/worker/protocol/import-protocol';
import { temporaryFolder } from '../../../../../support/data';

const SHA = '01ec64d29a2fca3f0661936605ae66f8'.repeat(2);

describe('the checksum in the name of a published file', () => {
  it.each([
    ['sam_vit_b_01ec64.pth', true],
    ['weights-01ec64d2.pth', true],
    ['sam_vit_b_01ec65.pth', false],
    ['mobilenet_v3_large-8738ca79.pth', false],
  ])('is compared: %s', (name, expected) => {
    expect(matchesName(name, SHA)).toBe(expected);
  });

  it.each(['sam-med2d_b.pth', 'model_202411.pth', 'weights.safetensors', '01ec64.pth', 'a_01ec6.pth'])(
    'is not seen where there is none: %s',
    (name) => {
      expect(matchesName(name, SHA)).toBeNull();
    },
  );
});

describe('what an imported base knows of images', () => {
  const folder = temporaryFolder();
  const written: object[] = [];
  const write: WriteBase = async (_file, architecture, _options, path) => {
    written.push(architecture);
    await writeFile(path, 'weights');
    return { format: 'safetensors', prefix: '', tensors: 1, parameters: 1, converted: [], leftOut: [], untrained: [] };
  };
  const imported = async (changes: Partial<ImportSpec>) => {
    const file = join(folder, 'weights.safetensors');
    writeFileSync(file, 'weights');
    const spec = {
      name: 'base',
      file,
      arch: 'sam-med2d-vit-b',
      newAdapters: false,
      seed: 0,
      licence: 'none',
      ...changes,
    };
    const { base } = await importBase(await ModelStore.open(join(folder, 'store')), spec, write);
    const { fit, channels, resize } = base.manifest.architecture;
    expect(written.at(-1)).toEqual(base.manifest.architecture);
    return [fit, channels, resize];
  };

  it.each<[string, Partial<ImportSpec>, (string | undefined)[]]>([
    ['SAM-Med2D as published', {}, ['stretch', 'bgr', 'nearest']],
    ['SAM-Med2D at another size', { imageSize: 512 }, ['stretch', 'bgr', 'nearest']],
    ['what is asked for', { channels: 'rgb', resize: 'bilinear' }, ['stretch', 'rgb', 'bilinear']],
    ['another fit', { fit: 'pad-or-stretch' }, ['pad-or-stretch', 'bgr', 'nearest']],
    ['SAM-Med2D’s start from SAM', { newAdapters: true }, ['pad-or-stretch', undefined, undefined]],
    ['SAM', { arch: 'sam-vit-b' }, ['longest-side', undefined, undefined]],
    ['SAM in BGR', { arch: 'sam-vit-b', channels: 'bgr' }, ['longest-side', 'bgr', undefined]],
    ['this project’s own', { arch: 'tiny' }, ['pad-or-stretch', undefined, undefined]],
  ])('%s', async (_what, changes, expected) => {
    expect(await imported(changes)).toEqual(expected);
  });
});
