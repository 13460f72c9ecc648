import { recipeFor } from '../../../../../services/worker/protocol/recipes';

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
    for (const [field, value] of [
      ['gradientClip', -1],
      ['patience', 0.5],
      ['minDelta', 2],
      ['scheduleFactor', 1],
      ['rotationSteps', -1],
    ] as const) {
      expect(() => recipeFor('segmentation', 'default', { [field]: value })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', field }),
      );
    }
  });
});
