// Folders named exactly as the data sets are published; what their files hold does not matter to the listing.

import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseTable } from '../../../../../services/datasets/tables/csv-text';
import { sequenceOf } from '../../../../../services/datasets/layouts/cvc-clinicdb';
import { readData, resolveSource, type DataSource } from '../../../../../services/datasets/layouts/read-data';
import type { DataFolder, Sample } from '../../../../../services/datasets/samples/sample';
import { temporaryFolder } from '../../../../support/data';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();

const segmentation = (data: string, more: Partial<DataSource> = {}): Promise<DataFolder & { layout: string }> =>
  readData({ task: 'segmentation', data, ...more });
const classification = (data: string, more: Partial<DataSource> = {}): Promise<DataFolder & { layout: string }> =>
  readData({ task: 'classification', data, ...more });

const masksOf = (folder: string, sample: Sample | undefined): string[][] =>
  (sample?.masks ?? []).map(({ paths }) => paths.map((path) => relative(folder, path)));
const labels = ({ parts, classes }: DataFolder): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.values(parts)
      .flat()
      .map(({ name, label = -1 }) => [name, classes[label]]),
  );
const groups = ({ parts }: DataFolder): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.values(parts)
      .flat()
      .map(({ name, group }) => [name, group]),
  );

describe('REFUGE2', () => {
  const folder = writeTree(
    root,
    'Training400/Glaucoma/g0001.jpg',
    'Training400/Non-Glaucoma/n0001.jpg',
    'Annotation-Training400/Disc_Cup_Masks/Glaucoma/g0001.bmp',
    'Annotation-Training400/Disc_Cup_Masks/Non-Glaucoma/n0001.bmp',
    'Annotation-Training400/Fovea_location.xlsx',
    'REFUGE-Validation400/V0001.jpg',
    'REFUGE-Validation400-GT/Disc_Cup_Masks/V0001.bmp',
    'Test400/T0001.jpg',
    'Test400/T0002.jpg',
    'REFUGE-Test-GT/Disc_Cup_Masks/G/T0001.bmp',
    'REFUGE-Test-GT/Disc_Cup_Masks/N/T0002.bmp',
  );

  it('has disc and cup in one file, and its three parts', async () => {
    const data = await segmentation(folder);
    expect(data).toMatchObject({ layout: 'refuge2', problems: [] });
    expect([data.parts.train.length, data.parts.validation.length, data.parts.test.length]).toEqual([2, 1, 2]);
    const file = join(folder, 'REFUGE-Test-GT/Disc_Cup_Masks/G/T0001.bmp');
    expect(data.parts.test[0]?.masks).toEqual([
      { paths: [file], values: { from: 0, to: 191 }, codes: expect.any(Array) },
      { paths: [file], values: { from: 0, to: 63 }, codes: expect.any(Array) },
    ]);
  });

  it('is resolved to the structures disc and cup unless others are asked for', async () => {
    const resolved = await resolveSource({ task: 'segmentation', data: folder, structure: 'foreground' });
    expect(resolved).toMatchObject({ layout: 'refuge2', structures: [{ name: 'disc' }, { name: 'cup' }] });
    const cup = await segmentation(folder, { structures: [{ name: 'excavation', masks: 'cup' }] });
    expect(cup.parts.train[0]?.masks).toMatchObject([{ values: { to: 63 } }]);
    await expect(segmentation(folder, { masksDir: 'vessel' })).rejects.toMatchObject({
      field: 'structures',
      message: expect.stringMatching(/it has disc, cup/),
    });
  });

  it('has grades in the names of folders, of images or of masks', async () => {
    const data = await classification(folder);
    expect(labels(data)).toEqual({
      'Training400/Glaucoma/g0001.jpg': 'glaucoma',
      'Training400/Non-Glaucoma/n0001.jpg': 'non-glaucoma',
      'Test400/T0001.jpg': 'glaucoma',
      'Test400/T0002.jpg': 'non-glaucoma',
    });
    expect(data.problems).toEqual([{ name: 'REFUGE-Validation400/V0001.jpg', problem: 'has no class' }]);
  });
});

describe('CVC-ClinicDB', () => {
  it('pairs TIFF frames and groups them by the published ranges', async () => {
    const folder = writeTree(
      root,
      ...[1, 25, 26, 612].flatMap((frame) => [`Original/${frame}.tif`, `Ground Truth/${frame}.tif`]),
    );
    const data = await segmentation(folder);
    expect(data).toMatchObject({ layout: 'cvc-clinicdb', groupColumn: 'sequence', problems: [], notes: [] });
    expect(groups(data)).toEqual({
      'Original/1.tif': '1',
      'Original/25.tif': '1',
      'Original/26.tif': '2',
      'Original/612.tif': '29',
    });
    expect(masksOf(folder, data.parts.train[0])).toEqual([['Ground Truth/1.tif']]);
  });

  it('takes PNG where TIFF stands beside it, and sequences from metadata.csv', async () => {
    const folder = writeTree(
      root,
      ...['PNG', 'TIF'].flatMap((kind) =>
        [1, 2].flatMap((frame) => [
          `${kind}/Original/${frame}.${kind.toLowerCase()}`,
          `${kind}/Ground Truth/${frame}.${kind.toLowerCase()}`,
        ]),
      ),
      ['metadata.csv', 'frame_id,sequence_id,png_image_path\n1,7,a\n2,8,b\n'],
    );
    const data = await segmentation(folder);
    expect(groups(data)).toEqual({ 'PNG/Original/1.png': '7', 'PNG/Original/2.png': '8' });
    await expect(segmentation(folder, { groupColumn: 'patient' })).rejects.toMatchObject({ field: 'groupColumn' });
  });

  it('is refused for classification', async () => {
    const folder = writeTree(root, 'Original/1.tif', 'Ground Truth/1.tif');
    await expect(classification(folder)).rejects.toMatchObject({ code: 'WRONG_TASK', field: 'data' });
  });

  const manifest = join(process.env.AUTOMED_TEST_DATA ?? '../shared/data', 'cvc_clinicdb', 'manifest.csv');
  (existsSync(manifest) ? it : it.skip)(`knows the sequences that a reduced copy names (needs ${manifest})`, () => {
    const { rows } = parseTable(readFileSync(manifest, 'utf8'));
    for (const row of rows) {
      expect([row.get('name'), sequenceOf(Number(row.get('original_frame')))?.toString()]).toEqual([
        row.get('name'),
        row.get('sequence'),
      ]);
    }
    expect(rows.length).toBeGreaterThan(400);
  });
});

describe('HAM10000', () => {
  const metadata =
    'lesion_id,image_id,dx,dx_type,age\nHAM_1,ISIC_01,bkl,histo,80\nHAM_1,ISIC_02,bkl,histo,80\nHAM_2,ISIC_03,nv,histo,\n';
  const files = [
    'HAM10000_images_part_1/ISIC_01.jpg',
    'HAM10000_images_part_1/ISIC_02.jpg',
    'HAM10000_images_part_2/ISIC_03.jpg',
  ];

  it('has seven classes at most, and lesions that stay together', async () => {
    const folder = writeTree(root, ...files, ['HAM10000_metadata.csv', metadata]);
    const data = await classification(folder);
    expect(data).toMatchObject({ layout: 'ham10000', classes: ['bkl', 'nv'], groupColumn: 'lesion_id' });
    expect(groups(data)).toEqual({ [files[0]!]: 'HAM_1', [files[1]!]: 'HAM_1', [files[2]!]: 'HAM_2' });
  });

  it('says that groups of a manifest.csv beside its own do not count', async () => {
    const manifest: [string, string] = ['manifest.csv', 'file,patient\nISIC_01.jpg,p1\n'];
    const { findings = [] } = await readData({
      task: 'classification',
      data: writeTree(root, ...files, ['HAM10000_metadata.csv', metadata], manifest),
    });
    const message = "manifest.csv is not read: the groups are the data set's own (lesion_id), not its column patient";
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'group-table', severity: 'warning', message }));
  });

  it('has masks of the lesions, and metadata separated by tabs when it comes from the Dataverse', async () => {
    const masks = ['01', '02', '03'].map((id) => `HAM10000_segmentations_lesion_tschandl/ISIC_${id}_segmentation.png`);
    const folder = writeTree(root, ...files, ...masks, ['HAM10000_metadata.tab', metadata.replaceAll(',', '\t')]);
    const data = await segmentation(folder);
    expect(masksOf(folder, data.parts.train[2])).toEqual([[masks[2]]]);
    expect(data.parts.train[1]?.group).toBe('HAM_1');
  });

  it('may hold a folder of images twice, and says so', async () => {
    const folder = writeTree(root, ...files, `ham10000_images_part_1/ISIC_01.jpg`, ['HAM10000_metadata.csv', metadata]);
    const data = await classification(folder);
    expect(data.parts.train).toHaveLength(3);
    expect(data.notes).toEqual([expect.stringContaining('1 files bear the name of another one')]);
  });

  it('refuses different files of one name, of images and of masks, and takes none of them', async () => {
    const masks = ['01', '02', '03'].map((id) => `HAM10000_segmentations_lesion_tschandl/ISIC_${id}_segmentation.png`);
    const others: [string, string][] = [
      ['HAM10000_images_part_2/ISIC_01.png', 'another picture'],
      ['HAM10000_segmentations_lesion_tschandl/old/ISIC_02_segmentation.png', 'another mask'],
    ];
    const folder = writeTree(root, ...files, ...masks, ...others, ['HAM10000_metadata.csv', metadata]);
    const { parts, findings = [] } = await segmentation(folder);
    expect(parts.train.map(({ name }) => name)).toEqual([files[2]]);
    const errors = findings.filter(({ severity }) => severity === 'error');
    expect(errors).toMatchObject([
      { kind: 'name-twice', names: [masks[1], others[1]?.[0]] },
      { kind: 'name-twice', names: [files[0], others[0]?.[0]] },
    ]);
    expect(errors[1]?.message).toContain(`${files[0]} and ${others[0]?.[0]}`);
  });
});

describe('ISIC', () => {
  it('of 2017 has masks, three parts and two questions that make three classes', async () => {
    const part3 = 'image_id,melanoma,seborrheic_keratosis\n';
    const folder = writeTree(
      root,
      'ISIC-2017_Training_Data/ISIC_0000000.jpg',
      'ISIC-2017_Training_Data/ISIC_0000000_superpixels.png',
      'ISIC-2017_Training_Data/ISIC_0000001.jpg',
      'ISIC-2017_Training_Data/ISIC_0000002.jpg',
      'ISIC-2017_Training_Data/ISIC-2017_Training_Data_metadata.csv',
      'ISIC-2017_Training_Part1_GroundTruth/ISIC_0000000_segmentation.png',
      'ISIC-2017_Training_Part1_GroundTruth/ISIC_0000001_segmentation.png',
      [
        'ISIC-2017_Training_Part3_GroundTruth.csv',
        `${part3}ISIC_0000000,0.0,0.0\nISIC_0000001,1.0,0.0\nISIC_0000002,0.0,1.0\n`,
      ],
      'ISIC-2017_Validation_Data/ISIC_0000010.jpg',
      'ISIC-2017_Validation_Part1_GroundTruth/ISIC_0000010_segmentation.png',
      'ISIC-2017_Test_v2_Data/ISIC_0000020.jpg',
      'ISIC-2017_Test_v2_Part1_GroundTruth/ISIC_0000020_segmentation.png',
      ['ISIC-2017_Test_v2_Part3_GroundTruth.csv', `${part3}ISIC_0000020,1,0\n`],
    );
    const masks = await segmentation(folder);
    expect(masks.layout).toBe('isic');
    expect([masks.parts.train.length, masks.parts.validation.length, masks.parts.test.length]).toEqual([2, 1, 1]);
    expect(masks.problems).toEqual([
      { name: 'ISIC-2017_Training_Data/ISIC_0000002.jpg', problem: 'has no mask', lacks: 'mask' },
    ]);
    expect(masksOf(folder, masks.parts.test[0])).toEqual([
      ['ISIC-2017_Test_v2_Part1_GroundTruth/ISIC_0000020_segmentation.png'],
    ]);
    expect(labels(await classification(folder))).toMatchObject({
      'ISIC-2017_Training_Data/ISIC_0000000.jpg': 'nevus',
      'ISIC-2017_Training_Data/ISIC_0000001.jpg': 'melanoma',
      'ISIC-2017_Training_Data/ISIC_0000002.jpg': 'seborrheic_keratosis',
      'ISIC-2017_Test_v2_Data/ISIC_0000020.jpg': 'melanoma',
    });
  });

  it('of 2016 has a table without header', async () => {
    const folder = writeTree(
      root,
      'ISBI2016_ISIC_Part1_Training_Data/ISIC_0000000.jpg',
      'ISBI2016_ISIC_Part1_Training_GroundTruth/ISIC_0000000_Segmentation.png',
      'ISBI2016_ISIC_Part3_Training_Data/ISIC_0000000.jpg',
      'ISBI2016_ISIC_Part3_Training_Data/ISIC_0000002.jpg',
      ['ISBI2016_ISIC_Part3_Training_GroundTruth.csv', 'ISIC_0000000,benign\nISIC_0000002,malignant\n'],
      'ISBI2016_ISIC_Part3_Test_Data/ISIC_0000003.jpg',
      ['ISBI2016_ISIC_Part3_Test_GroundTruth.csv', 'ISIC_0000003,0.0\n'],
    );
    expect(Object.values(labels(await classification(folder))).sort()).toEqual(['benign', 'benign', 'malignant']);
    expect((await segmentation(folder)).parts.train.map(({ name }) => name)).toEqual([
      'ISBI2016_ISIC_Part1_Training_Data/ISIC_0000000.jpg',
    ]);
  });

  it('of 2018 tells its tasks apart and groups images by lesion', async () => {
    const folder = writeTree(
      root,
      'ISIC2018_Task1-2_Training_Input/ISIC_0000000.jpg',
      'ISIC2018_Task1_Training_GroundTruth/ISIC_0000000_segmentation.png',
      'ISIC2018_Task3_Training_Input/ISIC_0024306.jpg',
      'ISIC2018_Task3_Training_Input/ISIC_0024307.jpg',
      [
        'ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv',
        'image,MEL,NV,BCC\nISIC_0024306,0.0,1.0,0.0\nISIC_0024307,1.0,0.0,0.0\n',
      ],
      [
        'ISIC2018_Task3_Training_LesionGroupings.csv',
        'image,lesion_id,diagnosis_confirm_type\nISIC_0024306,HAM_7,serial\nISIC_0024307,HAM_8,histo\n',
      ],
    );
    const data = await classification(folder);
    expect([data.classes, data.groupColumn]).toEqual([['MEL', 'NV'], 'lesion_id']);
    expect(groups(data)).toMatchObject({ 'ISIC2018_Task3_Training_Input/ISIC_0024306.jpg': 'HAM_7' });
    expect((await segmentation(folder)).parts.train).toHaveLength(1);
  });
});

describe('Brain Tumor MRI', () => {
  it('has Training and Testing, and says that it names no patients', async () => {
    const folder = writeTree(
      root,
      'Training/glioma/Tr-gl_0010.jpg',
      'Training/notumor/Tr-no_0010.jpg',
      'Testing/glioma/Te-gl_0010.jpg',
    );
    const data = await classification(folder);
    expect(data).toMatchObject({ layout: 'brain-mri', classes: ['glioma', 'notumor'] });
    expect([data.parts.train.length, data.parts.test.length]).toEqual([2, 1]);
    expect(data.notes).toEqual([expect.stringContaining('no patient is named')]);
  });
});

describe('COVID-19 Radiography', () => {
  const classes = ['COVID', 'Lung_Opacity', 'Normal', 'Viral Pneumonia'];
  const folder = writeTree(
    root,
    ...classes.flatMap((name) => [
      `${name}.metadata.xlsx`,
      `${name}/images/${name}-1.png`,
      `${name}/masks/${name}-1.png`,
    ]),
    'Normal/images/Normal-2.png',
  );

  it('has images and masks below each class', async () => {
    const data = await classification(folder);
    expect(data).toMatchObject({ layout: 'covid-radiography', classes, problems: [], notes: [] });
    expect(data.parts.train).toHaveLength(5);
  });

  it('has masks of the lungs, which are brought to the size of the image and said to be', async () => {
    const data = await segmentation(folder);
    expect(data.parts.train[0]?.masks).toEqual([{ paths: [join(folder, 'COVID/masks/COVID-1.png')], resize: true }]);
    expect(data.problems).toEqual([{ name: 'Normal/images/Normal-2.png', problem: 'has no mask', lacks: 'mask' }]);
    expect(data.notes).toEqual([expect.stringContaining('256 x 256')]);
  });
});

describe('LC25000', () => {
  const files = [
    'lung_colon_image_set/lung_image_sets/lung_n/lungn1.jpeg',
    'lung_colon_image_set/lung_image_sets/lung_aca/lungaca1.jpeg',
    'lung_colon_image_set/colon_image_sets/colon_n/colonn1.jpeg',
  ];

  it('warns that copies of one tile are not told apart', async () => {
    const data = await classification(writeTree(root, ...files));
    expect(data).toMatchObject({ layout: 'lc25000', classes: ['colon_n', 'lung_aca', 'lung_n'] });
    expect(data.notes).toEqual([expect.stringContaining('turned and mirrored copies')]);
  });

  it('takes the groups of a manifest and warns no more', async () => {
    const manifest = 'class,file,group\nlung_n,lungn1.jpeg,a\nlung_aca,lungaca1.jpeg,b\ncolon_n,colonn1.jpeg,c\n';
    const data = await classification(writeTree(root, ...files, ['manifest.csv', manifest]));
    expect([data.groupColumn, Object.values(groups(data)), data.notes]).toEqual(['group', ['c', 'b', 'a'], []]);
  });
});

describe('a plain folder', () => {
  it('is not mistaken for a published data set', async () => {
    const folder = writeTree(root, 'train/COVID/1.png', 'train/Normal/2.png', 'test/COVID/3.png', 'manifest.csv');
    expect((await classification(folder)).layout).toBe('plain');
    const pairs = writeTree(root, 'images/1.png', 'masks/1.png', 'manifest.csv');
    expect((await segmentation(pairs)).layout).toBe('plain');
    expect(await resolveSource({ task: 'segmentation', data: pairs, structure: 'polyp' })).toEqual({
      task: 'segmentation',
      data: pairs,
      structure: 'polyp',
      layout: 'plain',
    });
  });

  it('may be read as what its owner says that it is, but not as what nobody knows', async () => {
    const folder = writeTree(root, 'images/1.png', 'masks/1.png');
    await expect(segmentation(folder, { layout: 'ham10000' })).rejects.toMatchObject({
      message: expect.stringMatching(/HAM10000_metadata/),
    });
    await expect(segmentation(folder, { layout: 'zip' })).rejects.toMatchObject({ field: 'layout' });
    await expect(segmentation(join(folder, 'images/1.png'))).rejects.toMatchObject({ field: 'data' });
    await expect(segmentation(join(root, 'absent'))).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'data' });
  });
});
