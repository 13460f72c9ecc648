// Every knob of an evaluation, from its flag to the worker: none may be lost on the way, or be called otherwise.

import { createCommand, evaluationSpec, type CreateOptions } from '../../../../../services/cli/commands/evaluations';
import { api, serviceDefinition } from '../../../../../services/common/grpc/proto';
import type { CreateEvaluationRequest__Output } from '../../../../../proto/gen/automed/evaluations/v1/CreateEvaluationRequest';
import {
  evaluationJobSpecSchema,
  evaluationKind,
} from '../../../../../services/training/domain/evaluations/evaluation-kind';
import { fromEvaluationSpec } from '../../../../../services/training/handlers/evaluation-messages';
import { evaluationSpecSchema } from '../../../../../services/worker/protocol/protocol';

/** Flags with a value that is no default, and what the worker is told; the name of the field is the flag's. */
const KNOBS: Record<string, [words: string[], told: unknown]> = {
  data: [['--data', '/d'], '/d'],
  part: [['--part', 'test'], 'test'],
  masksDir: [['--masks-dir', 'm'], 'm'],
  structures: [
    ['--structures', 'disc=a,cup=b'],
    [
      { name: 'disc', masks: 'a' },
      { name: 'cup', masks: 'b' },
    ],
  ],
  groupColumn: [['--group-column', 'eye'], 'eye'],
  threshold: [['--threshold', '0.25'], 0.25],
  seed: [['--seed', '9'], 9],
  validationFraction: [['--validation-fraction', '0.3'], 0.3],
  testFraction: [['--test-fraction', '0.1'], 0.1],
  limit: [['--limit', '7'], 7],
  strict: [['--strict'], true],
  worstCount: [['--worst-count', '3'], 3],
  reportImages: [['--no-report-images'], false],
  device: [['--device', 'cpu'], 'cpu'],
  layout: [['--layout', 'csv'], 'csv'],
  columns: [['--columns', 'image=i,mask=m'], { image: 'i', mask: 'm' }],
  allowDataProblems: [['--allow-data-problems'], true],
  maskValues: [['--mask-values', '1,2'], '1,2'],
  intensity: [['--intensity', 'dtype'], 'dtype'],
};

/** Fields of the message that are no flag of that name: the model is the command's argument, a data set is resolved by the service. */
const WITHOUT_FLAG = ['model', 'dataset'];
/** Of the worker's specification: what a model draws is its own to say, and evaluations have no samples for each mask. */
const NOT_ASKED = ['structure', 'eachMask'];

/** What a worker is told of the flags, over the wire. */
function told(words: readonly string[]): Record<string, unknown> {
  const command = createCommand().exitOverride();
  command.parseOptions([...(words.includes('--data') ? [] : ['--data', '/data']), ...words]);
  const request = { requestId: '', spec: evaluationSpec('polyp@1', command.opts<CreateOptions>()) };
  const method = serviceDefinition('automed.evaluations.v1.EvaluationService')['CreateEvaluation']!;
  const sent = method.requestDeserialize(method.requestSerialize(request)) as CreateEvaluationRequest__Output;
  const spec = evaluationJobSpecSchema.parse(fromEvaluationSpec(sent.spec!));
  const message = evaluationKind.command(spec, { jobId: 'job', jobFolder: '/job', store: '/home', threads: 1 });
  if (message.type !== 'evaluate') throw new Error('an evaluation was expected');
  return message.spec;
}

function fieldsOf(message: string): string[] {
  const { type } = api()[message] as unknown as { type: { field: { name: string }[] } };
  return type.field.map(({ name }) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

describe('every knob of an evaluation', () => {
  it('has a flag, or says why not', () => {
    const known = [...Object.keys(KNOBS), ...WITHOUT_FLAG];
    expect(fieldsOf('automed.evaluations.v1.EvaluationSpec').filter((name) => !known.includes(name))).toEqual([]);
    const rest = Object.keys(evaluationSpecSchema.shape).filter((name) => ![...known, ...NOT_ASKED].includes(name));
    expect(rest).toEqual([]);
  });

  it.each(Object.entries(KNOBS))('%s reaches the worker under its own name', (name, [words, value]) => {
    expect(told(words)).toHaveProperty([name], value);
    expect(told([])[name]).not.toEqual(value);
  });

  it.each([
    [['--worst', '3'], { worstCount: 3 }],
    [['--no-images'], { reportImages: false }],
  ])('the former flag %j is still understood', (words, expected) => {
    expect(told(words)).toMatchObject(expected);
  });
});
