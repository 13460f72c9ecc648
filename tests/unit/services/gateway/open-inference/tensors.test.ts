import { answerOf, classificationOutputs } from '../../../../../services/gateway/open-inference/tensors';

const outputs = classificationOutputs({
  probabilities: [{ className: 'benign', probability: 1 }],
} as Parameters<typeof classificationOutputs>[0]);
const asking = (...names: string[]): Parameters<typeof answerOf>[0] => ({
  id: '',
  modelName: 'm',
  modelVersion: '',
  parameters: {},
  inputs: [],
  rawInputContents: [],
  outputs: names.map((name) => ({ name, parameters: {} })),
});

test('an answer holds the outputs that were asked for, in that order', () => {
  const { outputs: given } = answerOf(asking('classes', 'probabilities'), 1, outputs);
  expect(given?.map(({ name }) => name)).toEqual(['classes', 'probabilities']);
});

test('an output that is asked for again and again is refused, not repeated', () => {
  const refused = { code: 'INVALID_ARGUMENT', field: 'outputs[1].name' };
  expect(() => answerOf(asking('classes', 'classes'), 1, outputs)).toThrow(expect.objectContaining(refused));
});
