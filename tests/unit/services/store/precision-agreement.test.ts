import { agrees, describeAgreement, diceOf, reducedPrecisionSchema } from '../../../../services/store';

test('masks agree from a mean Dice of 0.99 on, accuracies within 0.2 points either way; what was not measured does not', () => {
  expect(agrees({ images: 60, dice: 0.99 })).toBe(true);
  expect(agrees({ images: 60, dice: 0.9899 })).toBe(false);
  expect(agrees({ images: 60, accuracyPoints: -0.2 })).toBe(true);
  expect(agrees({ images: 60, accuracyPoints: 0.21 })).toBe(false);
  expect(agrees({ images: 60, accuracyPoints: -0.21 })).toBe(false);
  expect(agrees({ images: 60 })).toBe(false);
  expect(agrees(undefined)).toBe(false);
});

test('a card says what was measured and what follows', () => {
  expect(describeAgreement({ images: 60, dice: 0.99761 })).toBe(
    'mean Dice 0.9976 with the masks of float32 on 60 validation images; may be served',
  );
  expect(describeAgreement({ images: 20, accuracyPoints: -5 })).toBe(
    'accuracy -5.00 points against float32 on 20 validation images; may not be served',
  );
});

test('two empty masks are the same, and an agreement of no image is none', () => {
  expect(diceOf(new Uint8Array(4), new Uint8Array(4))).toBe(1);
  expect(diceOf(Uint8Array.of(1, 1, 0, 0), Uint8Array.of(1, 0, 0, 0))).toBeCloseTo(2 / 3);
  expect(reducedPrecisionSchema.safeParse({ bfloat16: { images: 0, dice: 1 } }).success).toBe(false);
});
