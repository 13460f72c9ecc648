import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readManifest, type GroupTable } from '../../../../../services/datasets/tables/manifest-csv';
import { temporaryFolder } from '../../../../support/data';

const folder = temporaryFolder();
const write = (text: string): void => writeFileSync(join(folder, 'manifest.csv'), text);
const readGroups = async (of: string, wanted?: string): Promise<GroupTable | undefined> =>
  (await readManifest(of, wanted))?.groups;

describe('the groups of a manifest', () => {
  it('takes the first of group, sequence and patient that exists', async () => {
    write('name,original_frame,sequence\ncvc_026,26,2\ncvc_030,30,3\n');
    const groups = await readGroups(folder);
    expect(groups?.column).toBe('sequence');
    expect([groups?.groupOf('cvc_026'), groups?.groupOf('cvc_030'), groups?.groupOf('other')]).toEqual([
      '2',
      '3',
      undefined,
    ]);
  });

  it('matches files by stem, split and class', async () => {
    write('split,class,file,group\ntrain,a,1.jpg,g1\ntest,a,1.jpg,g2\ntrain,b,1.jpg,g3\n');
    const groups = await readGroups(folder);
    expect(groups?.groupOf('1', { part: 'train', className: 'a' })).toBe('g1');
    expect(groups?.groupOf('1', { part: 'test', className: 'a' })).toBe('g2');
    expect(groups?.groupOf('1', { className: 'b' })).toBe('g3');
  });

  it('takes no group from the row of a file of the same name in another class or split', async () => {
    write('split,class,file,group\ntrain,a,1.jpg,g1\nval,a,2.jpg,g2\n');
    const groups = await readGroups(folder);
    expect(groups?.groupOf('1', { part: 'train', className: 'b' })).toBeUndefined();
    expect(groups?.groupOf('1', { part: 'test', className: 'a' })).toBeUndefined();
    expect(groups?.groupOf('2', { part: 'validation', className: 'a' })).toBe('g2');
    expect(groups?.groupOf('1', { className: 'a' })).toBe('g1');
  });

  it('refuses to choose between rows of different groups', async () => {
    write('split,file,group\ntrain,1.jpg,g1\ntest,1.jpg,g2\n');
    const groups = await readGroups(folder);
    expect(() => groups?.groupOf('1')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('g1 and g2') }),
    );
  });

  it('takes a column by name, and says which exist when it does not', async () => {
    write('name,eye\na,left\n');
    expect(await readGroups(folder)).toBeUndefined();
    expect((await readGroups(folder, 'eye'))?.groupOf('a')).toBe('left');
    await expect(readGroups(folder, 'nose')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'groupColumn',
      message: expect.stringMatching(/name, eye/),
    });
  });

  it('needs a manifest only when a column is asked for', async () => {
    expect(await readGroups(join(folder, 'absent'))).toBeUndefined();
    await expect(readGroups(join(folder, 'absent'), 'eye')).rejects.toMatchObject({ field: 'groupColumn' });
  });
});
