import { parseMaskValues, valuesOfStructure } from '../../../../../services/datasets/masks/mask-values';
import { understand } from '../../../../../services/datasets/masks/understand-mask';
import { evaluationSpecSchema, trainSpecSchema } from '../../../../../services/worker/protocol/protocol';
import { datasetSourceSchema } from '../../../../../services/datasets/samples/data-selection';

const of = (text: string, structure = ''): unknown =>
  valuesOfStructure(parseMaskValues(text), structure).ranges.map(({ from, to }) => [from, to]);

it('the parser of mask values reads values, ranges and colours, of every structure or of each', () => {
  expect(of('1,2')).toEqual([
    [1, 1],
    [2, 2],
  ]);
  expect(of('128-255')).toEqual([[128, 255]]);
  expect(of('#ff0000')).toEqual([[0xff0000, 0xff0000]]);
  expect(of('disc=1,2,cup=2', 'disc')).toEqual([
    [1, 1],
    [2, 2],
  ]);
  expect(of('disc=1,2,cup=2', 'cup')).toEqual([[2, 2]]);
  expect(of('0.5-1', 'anything')).toEqual([[0.5, 1]]);
});

it('the parser of mask values reads labels of segments, beside values', () => {
  const values = parseMaskValues('left=label: Left kidney ,3,right=LABEL:Right kidney');
  expect(valuesOfStructure(values, 'left')).toMatchObject({ labels: ['Left kidney'], ranges: [{ from: 3, to: 3 }] });
  expect(valuesOfStructure(values, 'right')).toMatchObject({ labels: ['Right kidney'], ranges: [] });
});

it('labels of segments are refused for masks that have none', () => {
  const mask = { values: Uint8Array.of(0, 1), width: 2, height: 1, kind: 'grey', scale: 255, lossy: false } as const;
  const stated = valuesOfStructure(parseMaskValues('label:Liver'), '');
  expect(() => understand(mask, stated)).toThrow(/has no labels, .* label:Liver names nothing else/);
});

it.each(['', 'label:', 'a', '2-1', '-1', '#ff', '1,,2', 'disc=', 'disc=1,disc=2', '1,disc=2', '=1'])(
  'the parser of mask values refuses "%s"',
  (text) => {
    expect(() => parseMaskValues(text)).toThrow(expect.objectContaining({ field: 'mask_values' }) as Error);
  },
);

it('the parser of mask values refuses values for other structures', () => {
  expect(() => of('disc=1', 'cup')).toThrow(/name disc, and not the structure cup/);
});

describe('a specification', () => {
  const training = {
    task: 'segmentation',
    name: 'a',
    data: '/d',
    store: '/s',
    base: 'tiny',
    threads: 1,
    jobFolder: '/j',
  } as const;

  it('of a training, an evaluation or a data set is refused before anything is read', () => {
    const refused = (
      schema: typeof trainSpecSchema | typeof evaluationSpecSchema | typeof datasetSourceSchema,
      rest: object,
    ) => schema.safeParse({ ...rest, maskValues: '2-1' }).error?.issues.map(({ path }) => path.join('.'));
    expect(refused(trainSpecSchema, training)).toEqual(['maskValues']);
    expect(refused(evaluationSpecSchema, { model: 'a', data: '/d' })).toContain('maskValues');
    expect(refused(datasetSourceSchema, { task: 'segmentation', location: '/d' })).toEqual(['maskValues']);
  });
});
