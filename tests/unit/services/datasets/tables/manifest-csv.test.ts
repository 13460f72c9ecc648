import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCsv } from '../../../../../services/datasets/tables/csv-text';
import { readGroups } from '../../../../../services/datasets/tables/manifest-csv';
import { temporaryFolder } from '../../../../support/data';

const folder = temporaryFolder();
const write = (text: string): void => writeFileSync(join(folder, 'manifest.csv'), text);

describe('parseCsv', () => {
  it('understands quotes, doubled quotes, line breaks in quotes, CRLF, a byte order mark and a missing last newline', () => {
    expect(parseCsv('\uFEFFa,b\r\n"x, y","say ""hi""\nthere"\n\n1,')).toEqual([
      ['a', 'b'],
      ['x, y', 'say "hi"\nthere'],
      ['1', ''],
    ]);
  });
});

describe('parseCsv of tables that programs write', () => {
  it.each([
    [
      'a quote within a value',
      'a,b\n5" scope,1\n"x",2',
      [
        ['a', 'b'],
        ['5" scope', '1'],
        ['x', '2'],
      ],
    ],
    [
      'carriage returns alone',
      'a,b\r1,2\r',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'commas in the name of a column',
      'a;age, years, x\n1;2',
      [
        ['a', 'age, years, x'],
        ['1', '2'],
      ],
    ],
    [
      'commas in numbers',
      'a;b\n1,5;2,5',
      [
        ['a', 'b'],
        ['1,5', '2,5'],
      ],
    ],
  ])('understands %s', (_, text, rows) => expect(parseCsv(text)).toEqual(rows));
});

describe('readGroups', () => {
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
