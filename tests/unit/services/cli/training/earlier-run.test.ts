import { asSent, differences } from '../../../../../services/cli/training/earlier-run';

const asked = { task: 'TASK_SEGMENTATION', name: 'polyp', data: '/data', base: 'tiny' } as const;
/** As a service tells it: defaults filled in, references with their versions. */
const kept = {
  ...asSent(asked),
  base: 'tiny@2',
  device: 'auto',
  structure: 'foreground',
  recipe: 'default',
  threshold: 0.5,
};

describe('a run that is to go on', () => {
  it('is the one that was asked for, with defaults filled in and names pinned to versions', () => {
    expect(differences(asked, kept)).toEqual([]);
    expect(differences({ ...asked, base: 'tiny@2', threads: 3 }, kept)).toEqual([]);
  });

  it.each([
    ['base', { base: 'tiny@1' }],
    ['base', { base: 'other' }],
    ['data', { data: '/other' }],
    ['seed', { seed: 7 }],
    ['overrides', { overrides: { epochs: 3 } }],
    ['dataset', { dataset: 'polyps', data: '' }],
  ])('is another one when its %s differs', (field, change) => {
    expect(differences({ ...asked, ...change }, kept)).toContain(field);
  });

  it('on a registered data set is told apart by that set, not by what it stands for', () => {
    const onSet = { ...kept, dataset: 'polyps@3', data: '/where/it/lies', layout: 'plain' };
    expect(differences({ ...asked, data: '', dataset: 'polyps' }, onSet)).toEqual([]);
    expect(differences({ ...asked, data: '', dataset: 'others' }, onSet)).toEqual(['dataset']);
  });
});
