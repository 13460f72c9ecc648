import { isBetter } from '../../../../../../services/worker/domain/training/epoch-loop';

const epoch = (score: number, validationLoss: number) => ({
  epoch: 1,
  trainLoss: 0.5,
  validationLoss,
  learningRate: 1e-3,
  score,
});

describe('the best epoch', () => {
  it('is the first one where there is no other, even with score 0', () => {
    expect(isBetter(epoch(0, 1), undefined)).toBe(true);
  });

  it('has the highest score, whatever the losses', () => {
    expect(isBetter(epoch(0.9, 2), epoch(0.8, 1))).toBe(true);
    expect(isBetter(epoch(0.8, 1), epoch(0.9, 2))).toBe(false);
  });

  it('has the lower validation loss among equal scores, and is the earlier one where that is equal too', () => {
    expect(isBetter(epoch(0.9, 0.3), epoch(0.9, 0.4))).toBe(true);
    expect(isBetter(epoch(0.9, 0.4), epoch(0.9, 0.3))).toBe(false);
    expect(isBetter(epoch(0.9, 0.3), epoch(0.9, 0.3))).toBe(false);
  });

  it('is not replaced by an equal score whose loss is no number', () => {
    expect(isBetter(epoch(0.9, NaN), epoch(0.9, 0.3))).toBe(false);
  });
});
