import { namedNativeHead } from '../../../../../services/worker/adapters/native-trainer';
import { recipeFor } from '../../../../../services/worker/protocol/recipes';
import { INTERACTIVE, SYSTEMS, systemFor } from '../../../../../services/worker/protocol/systems';
import { tableOf, TABLE_NAMES } from '../../../../../services/reproduction/tables';
import { BASE_ARCHITECTURES } from '../../../../../services/store';
import { classificationHead, segmentationHead } from '../../../../support/heads';

const tiny = BASE_ARCHITECTURES['tiny']!.architecture;
const full = BASE_ARCHITECTURES['sam-med2d-vit-b']!.architecture;

describe('systems', () => {
  it('are all known to native code, whose heads have the task that is said here', async () => {
    for (const [name, { task }] of Object.entries(SYSTEMS)) {
      if (name === INTERACTIVE) continue;
      const head = await namedNativeHead(name, tiny, 3);
      expect([name, head.kind === 'sam-medcls' ? 'classification' : 'segmentation']).toEqual([name, task]);
    }
    await expect(namedNativeHead('unet', tiny, 3)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'system' });
  });

  it('of the paper have the heads that the store names as defaults', async () => {
    for (const base of [tiny, full]) {
      expect(await namedNativeHead('automed', base, 0)).toEqual(segmentationHead(base));
      expect(await namedNativeHead('medcls', base, 4)).toEqual(classificationHead(base, 4));
    }
  });

  it('that are unknown or of the other task are refused', () => {
    expect(() => systemFor('segmentation', 'unet')).toThrow(expect.objectContaining({ field: 'system' }));
    expect(() => systemFor('segmentation', 'medcls')).toThrow(expect.objectContaining({ code: 'WRONG_TASK' }));
    expect(systemFor('segmentation')).toBe(SYSTEMS['automed']);
  });

  it("have AutoSAM's own recipe by name, and the paper's where both are trained alike", () => {
    const own = { learningRate: 3e-4, weightDecay: 1e-4, batchSize: 3, accumulationSteps: 4, optimizer: 'adam' };
    expect(recipeFor('segmentation', 'paper-autosam')).toMatchObject(own);
    expect(recipeFor(SYSTEMS['autosam']!.recipes, 'paper')).toEqual(recipeFor(SYSTEMS['automed']!.recipes, 'paper'));
    expect(recipeFor('interactive', 'paper')).toMatchObject({ learningRate: 1e-4 });
  });
});

describe('named bases', () => {
  it('are all read by native code as they stand in the table', async () => {
    for (const { architecture } of Object.values(BASE_ARCHITECTURES)) {
      const { kind } = await namedNativeHead('automed', architecture, 0);
      expect(kind).toBe('sam-automed');
    }
  });
});

describe('tables', () => {
  it('are ten, each with rows of its task', () => {
    expect(TABLE_NAMES).toHaveLength(10);
    for (const name of TABLE_NAMES) {
      const { task, rows } = tableOf(name);
      // Table 5 is one system, class by class.
      expect(rows.length).toBeGreaterThan(name === 'table5' ? 0 : 2);
      expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
      for (const { system } of rows) expect(system === undefined || SYSTEMS[system]?.task === task).toBe(true);
    }
    expect(() => tableOf('table11')).toThrow(expect.objectContaining({ field: 'table' }));
  });

  it('stand AutoSAM on the base of SAM, which it steers, and SAM-AutoMed on that of SAM-Med2D', () => {
    const bases = tableOf('table4').rows.map(({ id, base }) => [id, base]);
    expect(bases).toEqual([['sam', 'sam'], ['sam-med2d', 'sam-med2d'], ['autosam', 'sam'], ['automed', 'sam-med2d']]); // prettier-ignore
    expect(tableOf('table9').rows.map(({ base }) => base)).toEqual(['sam', 'sam-med2d', 'sam-med2d', 'sam-med2d']);
    expect(tableOf('table5')).toMatchObject({ task: 'classification', rows: [{ system: 'medcls' }] });
  });

  it('hold a figure of the paper for each row', () => {
    for (const name of TABLE_NAMES) {
      const { data, rows } = tableOf(name);
      for (const { paper } of rows) expect(Object.keys(paper)).toEqual(data.map(({ title }) => title));
      const values = rows.flatMap(({ paper }) => Object.values(paper).flatMap((figures) => Object.values(figures)));
      expect(values.length).toBeGreaterThanOrEqual(rows.length);
      for (const value of values) expect([value > 0.5, value < 1]).toEqual([true, true]);
    }
  });

  it('9 and 10 hold every ablation', () => {
    const systems = ['table9', 'table10'].flatMap((name) => tableOf(name).rows.map(({ system }) => system));
    const ablations = Object.keys(SYSTEMS).filter((name) => ![INTERACTIVE, 'autosam'].includes(name));
    expect(new Set(systems)).toEqual(new Set(ablations));
  });
});
