import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkData, type DataReport } from '../../../../../services/checks/check-data';
import type { FindingKind } from '../../../../../services/datasets/samples/finding';
import { listSamples, type DataSpec } from '../../../../../services/datasets/split/divide';
import { taskOf } from '../../../../../services/datasets/layouts/read-data';
import { encodeMaskPng } from '../../../../../services/imaging/mask';
import { temporaryFolder } from '../../../../support/data';
import { discImage } from '../../../../support/stack-images';

const root = temporaryFolder();
let folders = 0;
let pictures = 0;

function write(path: string, bytes: Buffer | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** A new folder with a different picture at each of these paths. */
async function folderOf(...paths: string[]): Promise<string> {
  const folder = join(root, String((folders += 1)));
  for (const path of paths) write(join(folder, path), (await discImage(16, 12, (pictures += 1))).png);
  return folder;
}

async function maskOf(path: string): Promise<void> {
  write(path, await encodeMaskPng(new Uint8Array(16 * 12).fill(1, 0, 50), 16, 12));
}

async function check(data: string, changes: Partial<DataSpec> = {}): Promise<DataReport> {
  const spec = { task: 'classification', data, validationFraction: 0.25, seed: 0, strict: false, ...changes } as const;
  return checkData(await listSamples(spec));
}

const told = ({ findings }: DataReport, kind: FindingKind): string[] =>
  findings.filter((one) => one.kind === kind).map(({ severity, message }) => `${severity}: ${message}`);

const names = (...classes: string[]): string[] =>
  classes.flatMap((name) => ['0', '1', '2', '3'].map((copy) => `${name}/${copy}.png`));

const imagesOf = ({ parts }: DataReport): number[] => [parts.train.images, parts.validation.images, parts.test.images];

describe('what a folder holds', () => {
  it('is counted where it is not read', async () => {
    const nested = ['p0', 'p1', 'p2'].flatMap((patient) => [`a/${patient}/0.png`, `b/${patient}/0.png`]);
    const report = await check(await folderOf(...names('a', 'b'), ...nested, 'loose.png'));
    expect(told(report, 'not-read')).toEqual(['warning: a/p0 and 6 more folders hold 7 pictures that are not read']);
    const pairs = await folderOf(...['0', '1', '2', '3'].map((name) => `images/${name}.png`), 'images/p1/9.png');
    for (const name of ['0', '1', '2', '3', 'p1/9']) await maskOf(join(pairs, `masks/${name}.png`));
    expect(told(await check(pairs, { task: 'segmentation' }), 'not-read')).toEqual([
      'warning: images/p1 and 1 more folder hold 2 pictures that are not read',
    ]);
  });

  it.each(['scan#3', 'left and right'])('is not said to be unread where %s is named already', async (name) => {
    const pairs = await folderOf(...['0', '1', '2', '3', '4', name].map((one) => `images/${one}.png`));
    for (const one of ['0', '1', '2', '3', '4']) await maskOf(join(pairs, `masks/${one}.png`));
    const report = await check(pairs, { task: 'segmentation' });
    expect(told(report, 'unusable')).toEqual([`warning: images/${name}.png: has no mask in masks/`]);
    expect(told(report, 'not-read')).toEqual([]);
  });

  it('is followed through links, once around a circle', async () => {
    const folder = await folderOf(...names('a'));
    symlinkSync(await folderOf(...names('.')), join(folder, 'c'));
    symlinkSync('..', join(folder, 'a/up'));
    const report = await check(folder);
    expect([report.classes, report.parts.train.images, report.findings]).toEqual([['a', 'c'], 6, []]);
    const linked = join(root, 'linked');
    mkdirSync(linked);
    for (const part of ['train', 'test']) symlinkSync(await folderOf(...names('a', 'b')), join(linked, part));
    expect(imagesOf(await check(linked))).toEqual([6, 2, 8]);
  });

  it.each(['val', 'valid', 'validation', 'Valid'])('has its validation part in %s/', async (name) => {
    const report = await check(await folderOf(...names('train/a', 'train/b', `${name}/a`, `${name}/b`)));
    expect([imagesOf(report), report.findings]).toEqual([[8, 8, 0], []]);
  });

  it('is no training data without train/', async () => {
    await expect(check(await folderOf(...names('valid/a', 'test/a')))).rejects.toMatchObject({
      message: expect.stringContaining('test/ and valid/, but no train/'),
    });
  });

  it.each(['__MACOSX', '@eaDir', '.ipynb_checkpoints', 'lost+found', '$RECYCLE.BIN', 'System Volume Information'])(
    'is ignored with a count in %s/',
    async (name) => {
      const folder = await folderOf(...names('a', 'b'), `${name}/x/._0.png`, `a/${name}/1.png`);
      write(join(folder, 'a/Thumbs.db'), 'x');
      write(join(folder, 'a/._0.png'), 'x');
      const report = await check(folder);
      expect(report.classes).toEqual(['a', 'b']);
      expect(report.findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
        expect.stringMatching(/^warning: ignored: 2 picture files in folders that systems add \(/),
      ]);
    },
  );
});

describe('a folder', () => {
  it('named like a part is no class where there is no train/ beside it', async () => {
    const report = await check(await folderOf(...names('a', 'b', 'test')));
    expect(told(report, 'part-as-class')).toEqual([
      'error: the folder test/ counts as a class, as there is no train/ beside it',
    ]);
  });

  it.each(['dev', 'val_set', 'Validation Data'])('named %s is the validation part', async (name) => {
    const report = await check(await folderOf(...names('train/a', 'train/b', `${name}/a`, `${name}/b`)));
    expect([imagesOf(report), report.findings]).toEqual([[8, 8, 0], []]);
  });

  it('of a part without pictures is named', async () => {
    const folder = await folderOf(...names('train/a', 'train/b'));
    mkdirSync(join(folder, 'test/a'), { recursive: true });
    expect(told(await check(folder), 'not-read')).toEqual([
      'warning: the folder test/ has no picture where one is read',
    ]);
  });

  it('that is not read is counted whatever its pictures are called', async () => {
    const folder = await folderOf(...names('a', 'b'), 'a/p0/IM0', 'a/p0/IM1.jfif', 'a/.own.png');
    write(join(folder, 'a/p0/scan.nii.gz'), 'x');
    write(join(folder, 'a/p0/notes.doc'), 'x');
    write(join(folder, 'a/._0.png'), 'x');
    write(join(folder, 'a/0.png:Zone.Identifier'), 'x');
    expect(told(await check(folder), 'not-read')).toEqual([
      'warning: a/p0 holds 3 pictures that are not read',
      'warning: ignored: 1 hidden picture file, for example a/.own.png',
    ]);
  });
});

describe('names', () => {
  it('pair in composed and decomposed form: masks, classes of parts, manifest.csv', async () => {
    const [composed, decomposed] = ['m\u00fcnchen', 'mu\u0308nchen'];
    const pairs = await folderOf(...['0', '1', '2', composed].map((name) => `images/${name}.png`));
    for (const name of ['0', '1', '2', decomposed]) await maskOf(join(pairs, `masks/${name}.png`));
    write(join(pairs, 'manifest.csv'), `name,patient\n0,a\n1,b\n2,c\n${decomposed},d\n`);
    const report = await check(pairs, { task: 'segmentation' });
    expect([report.parts.train.images, report.ungrouped, report.findings]).toEqual([3, 0, []]);
    const parts = await folderOf(...names(`train/${composed}`, 'train/b', `test/${decomposed}`, 'test/b'));
    expect((await check(parts)).parts.test).toMatchObject({ images: 8, perClass: [4, 4] });
  });

  it('of classes that differ in spelling only are an error that names them', async () => {
    const spelled = async (...classes: string[]): Promise<string[]> =>
      told(await check(await folderOf(...names(...classes))), 'class-spelling');
    const error = (names: string): string[] => [
      `error: the classes ${names} differ only in how they are spelled: name them alike`,
    ];
    expect(await spelled('glioma', 'Glioma', 'b')).toEqual(error('"Glioma" and "glioma"'));
    expect(await spelled('menin', 'menin ', 'b')).toEqual(error('"menin" and "menin "'));
    expect(await spelled('\u00e4', 'a\u0308', 'b')).toEqual(error('"a\\u0308" and "\\u00e4"'));
    expect(await spelled('1', '01', '2')).toEqual(error('"01" and "1"'));
    expect(await spelled('no_tumor', 'No-Tumor', 'b')).toEqual(error('"No-Tumor" and "no_tumor"'));
    expect(await spelled('notumor', 'no tumor', 'b')).toEqual(error('"no tumor" and "notumor"'));
    expect(await spelled('a\u200bb', 'ab', 'b')).toEqual(error('"ab" and "a\\u200bb"'));
    expect(await spelled('stage 1.1', 'stage 1.10', 'HER2+', 'HER2-')).toEqual([]);
    expect(await spelled('train/a', 'train/b', 'test/A', 'test/b')).toEqual(error('"A" and "a"'));
  });

  it('of classes in a CSV file are compared as numbers, too', async () => {
    const labels = ['1', '01', '1.0', 'x', 'X ', '2', '2', '3'];
    const folder = await folderOf(...labels.map((_, at) => `${at}.png`));
    write(join(folder, 'cases.csv'), `image,label\n${labels.map((label, at) => `${at}.png,${label}`).join('\n')}`);
    const report = await check(join(folder, 'cases.csv'));
    expect(told(report, 'class-spelling')).toEqual([
      expect.stringContaining('"01" and "1" and "1.0"'),
      expect.stringContaining('"X" and "x"'),
    ]);
  });
});

it('names the class that a part lacks', async () => {
  const report = await check(await folderOf(...names('train/a', 'train/b', 'val/a', 'val/b', 'test/b')));
  expect(told(report, 'class-missing')).toEqual(['warning: the test part has no image of a: no score of it is known']);
});

describe('a refusal', () => {
  it('names the first reasons when no pair is left, and the task is told by the folder', async () => {
    const folder = await folderOf(...['0', '1', '2'].map((name) => `images/${name}.png`));
    for (const name of ['x', 'y', 'z']) await maskOf(join(folder, `masks/${name}.png`));
    expect(await taskOf({ data: folder })).toBe('segmentation');
    await expect(check(folder, { task: 'segmentation' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(
        /^No sample of the data can be used: masks\/x\.png, masks\/y\.png, masks\/z\.png: has no image in images\//,
      ),
    });
    for (const name of ['0']) await maskOf(join(folder, `masks/${name}.png`));
    await expect(check(folder, { task: 'segmentation' })).rejects.toMatchObject({
      message: expect.stringMatching(/^masks\/x\.png, .*: has no image.* cannot be split/),
    });
  });

  it('counts a pair once in the rule of one fifth', async () => {
    const folder = await folderOf(...[...'01234567', 'x', 'y'].map((name) => `images/${name}.png`));
    for (const name of [...'01234567', 'v', 'w']) await maskOf(join(folder, `masks/${name}.png`));
    expect(told(await check(folder, { task: 'segmentation' }), 'many-unusable')).toEqual([]);
    await maskOf(join(folder, 'masks/z.png'));
    expect(told(await check(folder, { task: 'segmentation' }), 'many-unusable')).toEqual([
      'error: 3 of 11 files cannot be used',
    ]);
  });
});

describe('groups', () => {
  const pool = names('a', 'b');
  const manifest = async (text: string, ...paths: string[]): Promise<DataReport> => {
    const folder = await folderOf(...(paths.length > 0 ? paths : pool));
    write(join(folder, 'manifest.csv'), text);
    return check(folder);
  };
  const rows = (row: (path: string, at: number) => string, paths = pool): string => paths.map(row).join('\n');

  it.each([
    ['semicolons', `patient;file\n${rows((path, at) => `p${at >> 1};${path}`)}`],
    ['tabs', `patient\tfile\n${rows((path, at) => `p${at >> 1}\t${path}`)}`],
    ['a byte order mark', `\uFEFFpatient,file\n${rows((path, at) => `p${at >> 1},${path}`)}`],
    ['backslashes', `patient,file\n${rows((path, at) => `p${at >> 1},.\\${path.replace('/', '\\')}`)}`],
    ['capitals', `Patient_ID,File Name\n${rows((path, at) => `p${at >> 1},${path.toUpperCase()}`)}`],
    ['no extension', `patientID,image\n${rows((path, at) => `p${at >> 1},${path.slice(0, -4)}`)}`],
    ['paths of another machine', `subject,path\n${rows((path, at) => `p${at >> 1},/home/x/set/${path}`)}`],
    [
      'another class spelling',
      `case,class,file\n${rows((path, at) => `p${at >> 1},${path[0]!.toUpperCase()} ,${path.slice(2)}`)}`,
    ],
  ])('are read from a manifest with %s', async (_, text) => {
    const folder = await folderOf(...pool);
    write(join(folder, 'manifest.csv'), text);
    const report = await check(folder, { validationFraction: 0.5 });
    expect([report.ungrouped, report.findings]).toEqual([0, []]);
  });

  it('that reach no picture are an error with the counts and the columns', async () => {
    const report = await manifest(`patient,file\n${rows((path, at) => `p${at},IMG_${path.slice(2)}`)}`);
    expect(told(report, 'group-table')).toEqual([
      'error: 8 of 8 pictures have no row in manifest.csv: 8 of its 8 rows reach no picture, for example IMG_0.png; ' +
        'it has the columns patient, file, of which patient gives the groups',
    ]);
    expect(told(report, 'group-missing')).toEqual([expect.stringMatching(/^error: 8 of 8 samples have no group/)]);
  });

  it('of another class are not taken by the stem of a path', async () => {
    const report = await manifest(`patient,file\n${rows((_, at) => `p${at},a/${at}.png`, pool.slice(0, 4))}`);
    expect(report.ungrouped).toBe(4);
    expect(told(report, 'group-table')).toEqual([
      'warning: 4 of 8 pictures have no row in manifest.csv; it has the columns patient, file, of which patient gives the groups',
    ]);
  });

  it('that some samples lack are a warning, and that most lack an error', async () => {
    const some = await manifest(`patient,file\n${rows((path, at) => `${at < 3 ? '' : `p${at}`},${path}`)}`);
    expect(told(some, 'group-missing')).toEqual([expect.stringMatching(/^warning: 3 of 8 samples have no group/)]);
    const most = await manifest(`patient,file\n${rows((path, at) => `${at < 5 ? '' : `p${at}`},${path}`)}`);
    expect(told(most, 'group-missing')).toEqual([expect.stringMatching(/^error: 5 of 8 samples have no group/)]);
  });

  it('are asked for where no column gives them, and compared in spelling', async () => {
    const none = await manifest(`file,age\n${rows((path) => `${path},50`)}`);
    expect(told(none, 'group-table')).toEqual([
      expect.stringContaining('gives no groups: it has the columns file, age'),
    ]);
    const spelled = await manifest(`patient,file\n${rows((path, at) => `${at % 2 ? 'P' : 'p'}${at >> 1},${path}`)}`);
    expect(told(spelled, 'group-spelling')).toEqual([
      'warning: the groups "P0" and "p0" may be the same one, and are kept together',
      'warning: the groups "P1" and "p1" may be the same one, and are kept together',
      'warning: the groups "P2" and "p2" may be the same one, and are kept together',
      'warning: 1 more group is spelled in several ways and kept together',
    ]);
  });

  it.each([
    ['case', (at: number) => `${at % 2 ? 'P' : 'p'}${at >> 1}`],
    ['zeros', (at: number) => `P${at % 2 ? '00' : ''}${at >> 1}`],
    ['numbers', (at: number) => `${at >> 1}${at % 2 ? '.0' : ''}`],
    ['blanks', (at: number) => `P${at % 2 ? '  ' : ' '}${at >> 1}`],
  ])('that differ in %s only are kept on one side', async (_, group) => {
    const folder = await folderOf(...pool);
    const base = { task: 'classification', strict: false, validationFraction: 0.4 } as const;
    write(join(folder, 'manifest.csv'), `patient,file\n${rows((path, at) => `${group(at)},${path}`)}`);
    for (const seed of [0, 1, 2]) {
      const { parts } = await listSamples({ ...base, data: folder, seed });
      const pairs = new Set(parts.validation.map(({ name }) => pool.indexOf(name) >> 1));
      expect(parts.validation).toHaveLength(2 * pairs.size);
    }
    const parted = await folderOf(...names('train/a', 'train/b', 'test/a', 'test/b'));
    const own = names('train/a', 'train/b', 'test/a', 'test/b');
    write(
      join(parted, 'manifest.csv'),
      `patient,file\n${own.map((path, at) => `${group(at === 15 ? 1 : at * 2)},${path}`).join('\n')}`,
    );
    expect(told(await check(parted), 'group-across-parts')).toHaveLength(1);
  });

  it('that tables call unknown are none', async () => {
    const report = await manifest(
      `patient,file\n${rows((path, at) => `${['nan', 'N/A', 'None', '-', '?'][at] ?? `p${at}`},${path}`)}`,
    );
    expect(told(report, 'group-missing')).toEqual([expect.stringMatching(/^error: 5 of 8 samples have no group/)]);
  });

  it('are read where the class column holds numbers or other names', async () => {
    const paths = [...Array(8).keys()].map((at) => `${at < 4 ? 'a' : 'b'}/${at}.png`);
    const text = `patient,class,file\n${rows((path, at) => `p${at},${at >> 2},${path.slice(2)}`, paths)}`;
    const coded = await manifest(text, ...paths);
    expect([coded.ungrouped, coded.findings]).toEqual([0, []]);
  });

  it.each(['Manifest.csv', 'MANIFEST.CSV', 'manifest.tsv'])('are read from %s', async (name) => {
    const folder = await folderOf(...pool);
    const between = name.endsWith('tsv') ? '\t' : ',';
    write(join(folder, name), `patient${between}file\n${rows((path, at) => `p${at}${between}${path}`)}`);
    const report = await check(folder);
    expect([report.ungrouped, report.findings]).toEqual([0, []]);
  });

  it.each(['groups.csv', 'train/manifest.csv', 'patients.txt', 'patients.xlsx'])(
    'in %s, which is not read, are a finding',
    async (name) => {
      const folder = await folderOf(...names('train/a', 'train/b'));
      write(join(folder, name), `patient;file\n${rows((path, at) => `p${at};${path}`)}`);
      expect(told(await check(folder), 'group-table')).toEqual([
        expect.stringMatching(
          new RegExp(`^warning: ${name} (has a column patient|is a spreadsheet) and is not read: `),
        ),
      ]);
    },
  );

  it('of another column that a split may tear, and parts that nobody follows, are findings', async () => {
    const report = await manifest(
      `sequence,patient,part,file\n${rows((path, at) => `s${at},p${at >> 1},${at % 2 ? 'train' : 'test'},${path}`)}`,
    );
    expect(told(report, 'group-table')).toEqual([
      expect.stringContaining('has the columns sequence and patient: sequence gives the groups'),
      expect.stringContaining('the column part of manifest.csv is not followed'),
    ]);
  });

  it('of a table whose rows do not fit its columns are refused', async () => {
    await expect(manifest(`file,note,patient\n${rows((path, at) => `${path},a, b,p${at}`)}`)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('row 2 has 4 fields where the first row names 3 columns'),
    });
    const open = (last: string): Promise<DataReport> =>
      manifest(`file,patient\n${rows((path) => `${path},p`)}\n${last}`);
    await expect(open('a,"b')).rejects.toMatchObject({ message: expect.stringContaining('row 10 is never closed') });
    await expect(open('a,"b\nc,"d')).rejects.toMatchObject({ message: expect.stringContaining('ends within a value') });
  });

  it('that miss the share by far are a finding', async () => {
    const many = [...Array(20).keys()].map((at) => `${at % 2 ? 'a' : 'b'}/${at}.png`);
    const report = await manifest(
      `patient,file\n${rows((path, at) => `${at < 10 ? 'x' : 'y'}${at % 2},${path}`, many)}`,
      ...many,
    );
    expect(told(report, 'split-share')).toEqual([
      'warning: the validation part has 10 of 20 samples (50 %) where 25 % were asked for: groups stay whole, and the largest has 5',
    ]);
  });
});

describe('rows of a CSV file', () => {
  it('mean files in any case, normal form and slashes, with or without extension', async () => {
    const files = ['a\u0308/one.png', 'b/Two.PNG', 'b/three.png', 'b/four.png'];
    const folder = await folderOf(...files);
    write(join(folder, 'cases.csv'), 'Image;Label\n\u00e4/one.png;x\nB\\two.png;y\nb/three;x\nb/four.png;y\n');
    const report = await check(join(folder, 'cases.csv'), { validationFraction: 0.5 });
    expect([imagesOf(report), report.findings]).toEqual([[2, 2, 0], []]);
  });

  it('and the images beside them that have no row are counted, rows without a file named', async () => {
    const folder = await folderOf('0.png', '1.png', '2.png', '3.png', '4.png', '5.png');
    write(join(folder, 'cases.csv'), 'image,label\n0.png,x\n1.png,y\n2.png,x\n3.png,y\ngone.png,x\n');
    const report = await check(join(folder, 'cases.csv'), { validationFraction: 0.5 });
    expect(told(report, 'group-table')).toEqual(['warning: 2 images have no row in the table (4.png, 5.png)']);
    expect(told(report, 'unusable')).toEqual([expect.stringContaining('gone.png: the file cannot be read')]);
  });

  it('tell the task by their columns', async () => {
    const folder = await folderOf('0.png');
    write(join(folder, 'cases.csv'), 'image,Mask\n0.png,absent.png\n');
    expect(await taskOf({ data: join(folder, 'cases.csv') })).toBe('segmentation');
    write(join(folder, 'other.csv'), 'image,label\n0.png,x\n');
    expect(await taskOf({ data: join(folder, 'other.csv') })).toBe('classification');
  });
});

describe('the table of HAM10000', () => {
  const lesions = async (idOf: (at: number) => string): Promise<string> => {
    const files = [...Array(8).keys()].map((at) => `HAM10000_images_part_1/ISIC_${at}.jpg`);
    const folder = await folderOf(...files);
    const rows = files.map((_, at) => `L${at % 4},${idOf(at)},${at % 2 ? 'nv' : 'mel'}`);
    write(join(folder, 'HAM10000_metadata.csv'), `lesion_id,image_id,dx\n${rows.join('\n')}`);
    return folder;
  };
  const half = { validationFraction: 0.5 };

  it.each([
    ['lower case', (at: number) => `isic_${at}`],
    ['an extension', (at: number) => `ISIC_${at}.jpg`],
    ['a folder', (at: number) => `images\\ISIC_${at}.JPG`],
  ])('may write ids in %s', async (_, idOf) => {
    const report = await check(await lesions(idOf), half);
    expect([report.ungrouped, report.findings]).toEqual([0, []]);
  });

  it('is refused with the counts where no id matches, and a partial match is a finding', async () => {
    await expect(check(await lesions((at) => `HAM_${at}`), half)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^8 of 8 images have no row in HAM10000_metadata \(ISIC_0\), and 8 of 8 rows of HAM10000_metadata reach no image/,
      ),
    });
    const some = await check(await lesions((at) => (at < 7 ? `ISIC_${at}` : 'x')), half);
    expect(told(some, 'group-table')).toEqual([
      'warning: 1 of 8 images has no row in HAM10000_metadata (ISIC_7), and 1 of 8 rows of HAM10000_metadata reaches no image (x)',
    ]);
  });
});
