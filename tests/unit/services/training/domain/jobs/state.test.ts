import {
  ACTIONS,
  isFinal,
  next,
  STATES,
  type Action,
  type State,
} from '../../../../../../services/training/domain/jobs/state';

/** Every transition there is, spelled out; what is not here must be refused. */
const LEGAL: readonly (readonly [State, Action, State | 'GONE'])[] = [
  ['PENDING', 'start', 'RUNNING'],
  ['PENDING', 'pause', 'PAUSED'],
  ['PENDING', 'cancel', 'CANCELLED'],
  ['PENDING', 'fail', 'FAILED'],
  ['RUNNING', 'pause', 'PAUSING'],
  ['RUNNING', 'cancel', 'CANCELLING'],
  ['RUNNING', 'interrupt', 'RESUMING'],
  ['RUNNING', 'succeed', 'SUCCEEDED'],
  ['RUNNING', 'fail', 'FAILED'],
  ['PAUSING', 'pause', 'PAUSING'],
  ['PAUSING', 'stop', 'PAUSED'],
  ['PAUSING', 'cancel', 'CANCELLING'],
  ['PAUSING', 'interrupt', 'PAUSING'],
  ['PAUSING', 'succeed', 'SUCCEEDED'],
  ['PAUSING', 'fail', 'FAILED'],
  ['PAUSED', 'pause', 'PAUSED'],
  ['PAUSED', 'resume', 'RESUMING'],
  ['PAUSED', 'cancel', 'CANCELLED'],
  ['PAUSED', 'delete', 'GONE'],
  ['RESUMING', 'resume', 'RESUMING'],
  ['RESUMING', 'start', 'RUNNING'],
  ['RESUMING', 'pause', 'PAUSING'],
  ['RESUMING', 'cancel', 'CANCELLING'],
  ['RESUMING', 'fail', 'FAILED'],
  ['CANCELLING', 'cancel', 'CANCELLING'],
  ['CANCELLING', 'stop', 'CANCELLED'],
  ['CANCELLING', 'interrupt', 'CANCELLING'],
  ['CANCELLING', 'succeed', 'SUCCEEDED'],
  ['CANCELLING', 'fail', 'FAILED'],
  ['CANCELLED', 'cancel', 'CANCELLED'],
  ['CANCELLED', 'delete', 'GONE'],
  ['SUCCEEDED', 'delete', 'GONE'],
  ['FAILED', 'resume', 'RESUMING'],
  ['FAILED', 'delete', 'GONE'],
];

test.each(LEGAL)('%s, %s: %s', (from, action, to) => {
  expect(next(from, action)).toBe(to);
});

const ILLEGAL = STATES.flatMap((state) =>
  ACTIONS.filter((action) => !LEGAL.some(([from, by]) => from === state && by === action)).map(
    (action) => [state, action] as const,
  ),
);

test.each(ILLEGAL)('%s refuses to %s, with a sentence', (state, action) => {
  expect(() => next(state, action)).toThrow(
    expect.objectContaining({
      code: 'ILLEGAL_STATE',
      field: 'state',
      message: expect.stringMatching(new RegExp(`^The job is ${state}, .*${action}.*\\.$`)),
    }),
  );
});

test('a job that is not final can still be stopped, and reaches an end', () => {
  for (const state of STATES) {
    const seen = new Set<State | 'GONE'>([state]);
    const reached = [...seen];
    for (let from = reached.pop(); from !== undefined; from = reached.pop()) {
      if (from === 'GONE') continue;
      for (const [, , to] of LEGAL.filter(([each]) => each === from)) {
        if (!seen.has(to)) reached.push(to);
        seen.add(to);
      }
    }
    expect(isFinal(state) || [...seen].some((each) => each !== 'GONE' && isFinal(each))).toBe(true);
  }
});
