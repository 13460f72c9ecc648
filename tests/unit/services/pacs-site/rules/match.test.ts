import { judge, type SeriesFacts } from '../../../../../services/pacs-site/rules/match';
import { orientationName } from '../../../../../services/pacs-site/rules/orientation';
import type { Condition, Rule } from '../../../../../services/pacs-site/schema';

const FACTS: SeriesFacts = {
  modality: 'CT',
  bodyPart: 'ABDOMEN',
  seriesDescription: 'Abdomen venous 3.0',
  imageTypes: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
  callingAes: ['SCANNER'],
  calledAes: ['AUTOMED'],
  orientations: [[1, 0, 0, 0, 1, 0]],
  rows: [512],
  columns: [512],
  frames: 40,
  hasPixels: true,
};

const ruleWith = (when: Condition): Rule => ({
  name: 'rule',
  when,
  task: 'segmentation',
  model: 'liver',
  results: ['SEG'],
  send_to: ['archive'],
  wait_for: 'series',
});

const reasons = (when: Condition, facts: Partial<SeriesFacts> = {}): string[] | undefined =>
  judge([ruleWith(when)], { ...FACTS, ...facts })[0]?.reasons;

describe('a rule', () => {
  it('fits a series of which all its conditions hold', () => {
    const when: Condition = {
      modality: ['CT', 'MR'],
      series_description: ['*VENOUS*'],
      orientation: ['axial'],
      rows: { min: 256, max: 512 },
      image_type: ['PRIMARY'],
      calling_ae: ['SCANNER'],
    };
    expect(judge([ruleWith(when)], FACTS)).toEqual([{ rule: 'rule', fits: true, dryRun: false, reasons: [] }]);
  });

  it.each<[string, Condition, string]>([
    ['modality', { modality: ['MR'] }, 'modality is CT, not MR'],
    [
      'description',
      { series_description: ['*liver*', 'x?'] },
      'series description is "Abdomen venous 3.0", not "*liver*" or "x?"',
    ],
    ['orientation', { orientation: ['sagittal'] }, 'orientation is axial, not sagittal'],
    ['frames', { frames: { max: 10 } }, 'frames is 40, not from 0 to 10'],
    ['image type', { image_type: ['DERIVED'] }, 'image type lacks DERIVED'],
    ['sender', { calling_ae: ['OTHER'] }, 'calling AE is SCANNER, not OTHER'],
  ])('says why it does not fit: %s', (_, when, reason) => {
    expect(reasons(when)).toEqual([reason]);
  });

  it('takes a dot of a pattern as a dot', () => {
    expect(reasons({ series_description: ['*3.0'] })).toEqual([]);
    expect(reasons({ series_description: ['*3.0'] }, { seriesDescription: 'Abdomen 310' })).toHaveLength(1);
  });

  it('never fits what holds no images', () => {
    expect(reasons({}, { hasPixels: false })).toEqual(['the series holds no images']);
  });
});

describe('the orientation of a plane', () => {
  it.each([
    ['axial', [1, 0, 0, 0, 1, 0]],
    ['axial', [-1, 0, 0, 0, -1, 0]],
    ['coronal', [1, 0, 0, 0, 0, -1]],
    ['sagittal', [0, 1, 0, 0, 0, -1]],
    ['oblique', [1, 0, 0, 0, Math.SQRT1_2, Math.SQRT1_2]],
    ['axial', [1, 0, 0, 0, 0.98, 0.199]],
  ])('is %s for %j', (name, cosines) => {
    expect(orientationName(cosines)).toBe(name);
  });

  it('is none without one', () => {
    expect(orientationName(undefined)).toBe('none');
  });
});
