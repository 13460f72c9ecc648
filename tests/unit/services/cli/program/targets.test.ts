import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../../../services/cli/program/errors';
import { structurePath, targetPaths } from '../../../../../services/cli/program/targets';

describe('targetPaths', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'automed-targets-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes the picture of one image to the file that was named, and makes its folder', () => {
    const file = join(folder, 'a', 'mask.png');
    expect(targetPaths(['x.jpg'], file, '--mask')).toEqual([file]);
    expect(existsSync(join(folder, 'a'))).toBe(true);
  });

  it('writes into a folder that exists or ends with a slash', () => {
    expect(targetPaths(['dir/x.jpg'], folder, '--mask')).toEqual([join(folder, 'x.png')]);
    expect(targetPaths(['dir/x.jpg'], `${folder}/b/`, '--mask')).toEqual([join(folder, 'b', 'x.png')]);
  });

  it('numbers pictures of images that share a name', () => {
    const target = join(folder, 'masks');
    expect(targetPaths(['a/x.jpg', 'b/x.png'], target, '--mask')).toEqual([
      join(target, 'x.png'),
      join(target, 'x-2.png'),
    ]);
  });

  it('keeps the whole of a UID, whose last number is no extension', () => {
    const target = join(folder, 'masks');
    expect(targetPaths(['a/1.2.840.45', 'a/1.2.840.46', 'a/1.2.840.46.dcm'], target, '--mask')).toEqual([
      join(target, '1.2.840.45.png'),
      join(target, '1.2.840.46.png'),
      join(target, '1.2.840.46-2.png'),
    ]);
  });

  it('refuses one file for several images', () => {
    expect(() => targetPaths(['x.jpg', 'y.jpg'], join(folder, 'mask.png'), '--mask')).toThrow(UsageError);
  });
});

describe('structurePath', () => {
  it('names the structure only where there are several', () => {
    expect(structurePath('out/mask.png', 'polyp', 1)).toBe('out/mask.png');
    expect(structurePath('out/mask.png', 'optic cup/left', 2)).toBe('out/mask-optic_cup_left.png');
  });
});
