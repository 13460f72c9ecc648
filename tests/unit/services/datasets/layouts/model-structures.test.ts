import { matchStructures } from '../../../../../services/datasets/layouts/model-structures';
import type { DataSource } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const plain = writeTree(root, 'images/a.png', 'masks/a.png');
const polyps = writeTree(root, 'Original/1.tif', 'Ground Truth/1.tif');
const eyes = writeTree(root, 'Training400/G/g1.jpg', 'Annotation-Training400/Disc_Cup_Masks/G/g1.bmp');

const match = (drawn: readonly string[], data: string, more: Partial<DataSource> = {}) =>
  matchStructures<DataSource>({ task: 'segmentation', data, ...more }, drawn);

it('the search for masks takes the only masks of a layout for those of a single structure, whatever it is called', async () => {
  for (const name of ['foreground', 'lesion', 'polyp']) {
    const matched = await match([name], polyps);
    expect(matched).toMatchObject({ source: { layout: 'cvc-clinicdb', structure: name } });
    expect((await match([name], plain)) as object).toEqual({
      source: { task: 'segmentation', data: plain, layout: 'plain', structure: name },
      masks: undefined,
    });
  }
  expect(await match(['foreground'], polyps)).toMatchObject({ masks: [{ name: 'foreground', masks: 'polyp' }] });
});

it('the search for masks takes several by name, in the order of the model', async () => {
  const [disc, cup] = [
    { name: 'disc', masks: 'a' },
    { name: 'cup', masks: 'b' },
  ];
  expect(await match(['cup', 'disc'], plain, { structures: [disc, cup] })).toMatchObject({ masks: [cup, disc] });
  expect(await match(['cup', 'disc'], eyes)).toMatchObject({ masks: [{ name: 'cup' }, { name: 'disc' }] });
  expect(await match(['cup'], eyes)).toMatchObject({ masks: [{ name: 'cup', masks: 'cup' }] });
});

it('the search for masks tells what is not drawn, and what nobody says the masks of', async () => {
  const structures = [{ name: 'disc', masks: 'a' }];
  expect(await match(['lesion'], plain, { structures })).toEqual({ unmatched: { unknown: 'disc' } });
  expect(await match(['disc', 'cup'], plain, { structures })).toEqual({ unmatched: { missing: ['cup'], all: false } });
  expect(await match(['disc', 'cup'], plain)).toEqual({ unmatched: { missing: ['disc', 'cup'], all: true } });
  expect(await match(['foreground'], eyes)).toEqual({ unmatched: { missing: ['foreground'], all: false } });
});
