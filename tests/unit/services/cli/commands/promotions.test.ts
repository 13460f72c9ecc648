import { gateOf } from '../../../../../services/cli/commands/promotions';

it.each([
  ['mdsc>=0.8', { metric: 'mdsc', minimum: 0.8 }],
  [' hd95_px <= 5 ', { metric: 'hd95_px', maximum: 5 }],
  ['class.Viral Pneumonia.recall>=0.9', { metric: 'class.Viral Pneumonia.recall', minimum: 0.9 }],
])('reads the gate %s', (text, gate) => expect(gateOf(text)).toEqual([gate]));

it.each(['mdsc', 'mdsc>0.8', '>=0.8', 'mdsc>=', 'mdsc>=NaN', 'mdsc>=0.8<=0.9'])('reads no gate in %s', (text) => {
  expect(() => gateOf(text)).toThrow('SCORE>=NUMBER');
});
