import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderError, makeFolder, makeFolderSync } from '../../../../services/common/make-folder';
import { temporaryFolder } from '../../../support/data';

const root = temporaryFolder();

describe.each([
  ['asynchronously', makeFolder],
  ['at once', async (path: string) => new Promise<void>((done) => done(makeFolderSync(path)))],
])('a folder made %s', (name, make) => {
  const own = join(root, name);

  it('is there with those above it, once more too', async () => {
    await make(join(own, 'a/b/c'));
    await make(join(own, 'a/b/c'));
    expect(statSync(join(own, 'a/b/c')).isDirectory()).toBe(true);
    symlinkSync(join(own, 'a'), join(own, 'link'));
    await make(join(own, 'link'));
    await make(join(own, 'link/d'));
    expect(existsSync(join(own, 'a/d'))).toBe(true);
  });

  it('may be made by several at a time', async () => {
    await Promise.all(Array.from({ length: 8 }, async (_, at) => make(join(own, 'many/of', String(at % 2), 'them'))));
    expect(existsSync(join(own, 'many/of/1/them'))).toBe(true);
  });

  it('is refused below a file, and in its place, with what is in the way', async () => {
    const file = join(own, 'file');
    await make(own);
    writeFileSync(file, '');
    for (const path of [file, join(file, 'a'), join(file, 'a/b')]) {
      const error: unknown = await make(path).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(FolderError);
      expect((error as Error).message).toBe(`the folder ${path} cannot be made: ${file} is not a folder`);
    }
  });

  it('is refused where its name is too long, or its links lead nowhere', async () => {
    const long = join(own, 'x'.repeat(300), 'b');
    await expect(make(long)).rejects.toThrow(`the folder ${long} cannot be made: the name is too long`);
    symlinkSync(join(own, 'circle'), join(own, 'circle'));
    await expect(make(join(own, 'circle/a'))).rejects.toThrow(/cannot be made: its links lead in a circle/);
  });

  (existsSync('/proc/self') ? it : it.skip)('is refused in /proc, whose folders exist and take none', async () => {
    await expect(make('/proc/automed/a')).rejects.toMatchObject({ code: 'ENOENT', syscall: 'mkdir' });
    await expect(make('/proc/automed')).rejects.toThrow('cannot be made: no folder can be made there');
  });
});
