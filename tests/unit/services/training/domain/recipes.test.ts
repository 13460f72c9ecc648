import { learningRateAt, recipeFor } from '../../../../../services/training/domain/recipes';

describe('recipes', () => {
  it("hold the paper's numbers under its name", () => {
    expect(recipeFor('segmentation', 'paper')).toMatchObject({
      optimizer: 'adam',
      learningRate: 1e-4,
      epochs: 30,
      batchSize: 2,
      weightDecay: 0,
      rotationDegrees: 0,
    });
    expect(recipeFor('classification', 'paper-classification')).toMatchObject({
      optimizer: 'adam',
      learningRate: 1e-3,
      weightDecay: 0.4,
      epochs: 50,
      batchSize: 10,
      horizontalFlip: true,
      verticalFlip: true,
      rotationDegrees: 40,
    });
  });

  it('give way to single numbers', () => {
    expect(recipeFor('segmentation', 'paper', { epochs: 3, batchSize: undefined })).toMatchObject({
      epochs: 3,
      batchSize: 2,
    });
  });

  it('that are unknown, of the other task or out of range are refused', () => {
    expect(() => recipeFor('segmentation', 'secret')).toThrow(expect.objectContaining({ field: 'recipe' }));
    expect(() => recipeFor('segmentation', 'paper-classification')).toThrow(
      expect.objectContaining({ code: 'WRONG_TASK' }),
    );
    expect(() => recipeFor('segmentation', 'default', { learningRate: -1 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'learningRate' }),
    );
  });
});

describe('the learning rate', () => {
  const recipe = recipeFor('segmentation', 'default', { learningRate: 1, warmupSteps: 10 });

  it('rises over the warm-up and then falls along a cosine', () => {
    const rates = [0, 4, 9, 10, 55, 99].map((step) => learningRateAt(recipe, step, 100));
    expect(rates.slice(0, 4)).toEqual([0.1, 0.5, 1, 1]);
    expect(rates[4]).toBeCloseTo(0.505, 5);
    expect(rates[5]).toBeLessThan(0.012);
  });

  it('spends no more than a quarter of a short run on the warm-up', () => {
    expect(learningRateAt(recipe, 1, 8)).toBe(1);
  });

  it('stays where it is when the schedule is constant', () => {
    const constant = recipeFor('segmentation', 'paper');
    expect([0, 50, 99].map((step) => learningRateAt(constant, step, 100))).toEqual([1e-4, 1e-4, 1e-4]);
  });
});
