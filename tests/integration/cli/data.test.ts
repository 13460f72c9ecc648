import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { runCommand } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { discImage } from '../../support/stack-images';
import { writeTree } from '../../support/tree';

const temporary = temporaryFolder();
const folder = join(temporary, 'kinds');

beforeAll(async () => {
  for (const [index, name] of ['bright', 'dark'].entries()) {
    for (const part of ['train', 'test']) mkdirSync(join(folder, part, name), { recursive: true });
    for (let copy = 0; copy < 4; copy += 1) {
      writeFileSync(join(folder, 'train', name, `${copy}.png`), (await discImage(20, 10, 10 * index + copy)).png);
    }
    writeFileSync(join(folder, 'test', name, '9.png'), (await discImage(20, 10, 10 * index + 9)).png);
  }
});

test('data check counts sound data and ends with 0', async () => {
  const { code, out, err } = await runCommand('data', 'check', folder, '--validation-fraction', '0.25');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^train +6 +20 to 20 px +- +bright 3, dark 3$/m);
  expect(out).toMatch(/^validation +2 /m);
  expect(out).toMatch(/^no findings$/m);
});

test('data check names a picture that is in training and test, and ends with 1', async () => {
  copyFileSync(join(folder, 'train/dark/1.png'), join(folder, 'test/dark/1.png'));
  const text = await runCommand('data', 'check', folder);
  expect(text.code).toBe(1);
  expect(text.out).toMatch(/^error: the same picture is in (train|validation) and test: /m);
  expect(text.err).toBe(`automed: 1 finding makes a score on ${folder} wrong or a run fail\n`);
  const json = await runCommand('data', 'check', folder, '--json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({
    task: 'classification',
    ok: false,
    parts: { test: { images: 3, per_class: { bright: 1, dark: 2 } } },
    findings: [{ kind: 'duplicate-across-parts', names: ['test/dark/1.png', 'train/dark/1.png'] }],
  });
});

test('data check reads published layouts by the names of their files, or a CSV file by its columns', async () => {
  const { png } = await discImage(20, 10, 50);
  const training = ['glioma/1', 'glioma/2', 'notumor/1', 'notumor/2'].map(
    (name) => [`Training/${name}.jpg`, png] as const,
  );
  const set = writeTree(temporary, ...training, ['Testing/glioma/2.jpg', png]);
  const published = await runCommand('data', 'check', set, '--json');
  expect(JSON.parse(published.out)).toMatchObject({ task: 'classification', layout: 'brain-mri', ok: false });
  const rows = ['datei,art'];
  for (const seed of [1, 2, 3, 4]) {
    writeFileSync(join(set, `${seed}.png`), (await discImage(20, 10, 60 + seed)).png);
    rows.push(`${seed}.png,${seed % 2 ? 'odd' : 'even'}`);
  }
  const table = join(set, 'cases.csv');
  writeFileSync(table, rows.join('\n'));
  const flags = ['--task', 'classification', '--columns', 'image=datei,label=art', '--validation-fraction', '0.5'];
  const csv = await runCommand('data', 'check', table, ...flags);
  expect({ code: csv.code, err: csv.err }).toEqual({ code: 0, err: '' });
  expect(csv.out).toMatch(/^train +2 .* even 1, odd 1$/m);
  const wrong = await runCommand('data', 'check', table, '--columns', 'picture=datei');
  expect(wrong.err).toMatch(/it must be ROLE=COLUMN/);
});

test('data check finds what vanishes at the input of the base, architecture or model that it is told', async () => {
  const set = join(temporary, 'specks');
  for (const name of ['images', 'masks']) mkdirSync(join(set, name), { recursive: true });
  for (let index = 0; index < 4; index += 1) {
    const grey = Buffer.alloc(600 * 400, 60 + 20 * index);
    const mask = Buffer.alloc(600 * 400);
    // A lesion of 100 x 100 pixels and one of a single pixel, which not every input takes.
    for (let row = 100; row < 200; row += 1) mask.fill(255, row * 600 + 100, row * 600 + 200);
    mask[10 * 600 + 8 + index] = 255;
    const raw = { width: 600, height: 400, channels: 1 } as const;
    for (const [at, pixels] of Object.entries({ images: grey, masks: mask })) {
      await sharp(pixels, { raw })
        .toColourspace('b-w')
        .png()
        .toFile(join(set, at, `${index}.png`));
    }
  }
  const home = join(temporary, 'home');
  const made = await runCommand('bases', 'create', 'small', '--arch', 'tiny', '--home', home);
  expect(made).toMatchObject({ code: 0 });
  const lost = async (...flags: string[]) => {
    const { code, out } = await runCommand('data', 'check', set, '--json', '--validation-fraction', '0.25', ...flags);
    expect(code).toBe(0);
    const { input, findings } = JSON.parse(out) as { input: unknown; findings: { kind: string; names: string[] }[] };
    return { input, names: findings.flatMap(({ kind, names }) => (kind === 'vanishing-lesion' ? names : [])) };
  };
  const plain = await lost();
  expect(plain.input).toBeNull();
  expect(plain.names.length).toBeGreaterThan(0);
  expect(await lost('--base', 'small', '--home', home)).toEqual({
    input: { of: 'small@1', side_px: 256, fit: 'pad-or-stretch' },
    names: plain.names,
  });
  expect(await lost('--architecture', 'sam-vit-b')).toEqual({
    input: { of: 'sam-vit-b', side_px: 1024, fit: 'longest-side' },
    names: [],
  });
  const text = await runCommand('data', 'check', set, '--architecture', 'tiny');
  expect(text.out).toMatch(/^input: 256 px, pad-or-stretch, of tiny$/m);
  expect(text.out).toMatch(/^warning: in \d of 4 masks \d lesions? (is|are) lost at the size of the model's input/m);
  const absent = await runCommand('data', 'check', set, '--model', 'nobody', '--home', home);
  expect(absent).toMatchObject({ code: 1, err: expect.stringContaining('nobody') });
});

const real = join(process.env.AUTOMED_TEST_DATA ?? '../shared/data', 'dicom');
if (!existsSync(real)) console.warn(`Real DICOM files are not checked: ${real} is absent (AUTOMED_TEST_DATA).`);
(existsSync(real) ? test : test.skip)('data check reads folders of DICOM files of many makers', async () => {
  const set = join(temporary, 'dicom');
  const chosen = {
    slices: ['CT_small.dcm', 'CTImage_JPEGLSLossy.dcm', 'MR_small_RLE.dcm', 'MR_truncated.dcm', 'emri_small.dcm'],
    others: ['CR-MONO1-10-chest', 'GH133.dcm', 'JPEG2000.dcm', 'examples_palette.dcm', 'dwv-test_no-number-rows.dcm'],
  };
  for (const [name, files] of Object.entries(chosen)) {
    mkdirSync(join(set, name), { recursive: true });
    for (const file of files) copyFileSync(join(real, file), join(set, name, file));
  }
  const { code, out, err } = await runCommand('data', 'check', set, '--json', '--validation-fraction', '0.4');
  // A slow machine is told how far it is.
  expect({ code, err: err.replace(/^checking .*\n/gm, '') }).toEqual({ code: 0, err: '' });
  const report = JSON.parse(out) as { parts: Record<string, { images: number }>; findings: { message: string }[] };
  expect(report).toMatchObject({ task: 'classification', layout: 'dicom', group_column: 'PatientID' });
  // Of emri_small.dcm every frame.
  expect(report.parts['train']!.images + report.parts['validation']!.images).toBe(3 + 10 + 4);
  expect(report.findings.map(({ message }) => message)).toEqual([
    '2 of 9 DICOM pictures have no patient id: of these only studies are kept together, and a split may separate one patient',
    'others/dwv-test_no-number-rows.dcm: The DICOM header has no rows.',
    'slices/MR_truncated.dcm: The DICOM file is damaged or cut short.',
  ]);
});

test('data check says in one line that a folder does not exist', async () => {
  const { code, out, err } = await runCommand('data', 'check', join(folder, 'ghost'));
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^automed: The data folder [^\n]*ghost cannot be read[^\n]*\n$/);
});
