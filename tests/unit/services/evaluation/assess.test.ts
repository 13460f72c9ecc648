import { assessClassification } from '../../../../services/evaluation/assess';

it('an assessment counts the classes of a folder as those of the model, whatever the normal form of their names', () => {
  const answer = (probabilities: number[]): never =>
    ({ probabilities: probabilities.map((probability) => ({ probability })) }) as never;
  const [composed, decomposed] = ['\u00e4', 'a\u0308'];
  const measured = [0, 1, 1].map((label, at) => ({
    sample: { name: `${at}.png`, imagePath: '', label },
    result: answer(label === 0 ? [0.1, 0.9] : [0.9, 0.1]),
  }));
  // The folder has its classes in another order.
  const classes = { known: [composed, 'b'], given: ['b', decomposed] };
  const { accuracy, classes: each } = assessClassification(measured as never, classes, 0);
  expect([accuracy, each.map(({ support }) => support)]).toEqual([1, [2, 1]]);
});
