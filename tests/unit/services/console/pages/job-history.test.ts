import { NOTHING_YET, withEvent } from '../../../../../services/console/pages/jobs/history';
import type { TrainingEvent } from '../../../../../services/console-kit/api/job-types';

const epoch = (sequence: number, number: number, mdsc: number): TrainingEvent => ({
  sequence: String(sequence),
  epoch: { metrics: { epoch: number, mdsc } },
});

test('an event that comes twice counts once, after a stream that broke', () => {
  const once = withEvent(NOTHING_YET, epoch(1, 1, 0.5));
  expect(withEvent(once, epoch(1, 1, 0.5))).toBe(once);
});

test('a run that goes on from a checkpoint draws the later epochs, not both', () => {
  const events = [epoch(1, 1, 0.5), epoch(2, 2, 0.6), epoch(3, 3, 0.7), epoch(4, 2, 0.65)];
  expect(events.reduce(withEvent, NOTHING_YET).epochs).toEqual([
    { epoch: 1, mdsc: 0.5 },
    { epoch: 2, mdsc: 0.65 },
  ]);
});

test('states and log lines are one log; a preview without its picture is none', () => {
  const history = [
    { sequence: '1', stateChange: { state: 'TRAINING_JOB_STATE_PENDING', message: 'Waits.' } },
    { sequence: '2', stateChange: { state: 'TRAINING_JOB_STATE_RUNNING' } },
    { sequence: '3', logLine: { warning: true, message: 'left out a.png' } },
    { sequence: '4', preview: { epoch: 1 } },
    { sequence: '5', preview: { epoch: 2, png: 'AA==' } },
  ].reduce((all, event) => withEvent(all, event as TrainingEvent), NOTHING_YET);
  expect(history.lines.map(({ text, warning }) => [text, warning])).toEqual([
    ['Waits.', false],
    ['left out a.png', true],
  ]);
  expect(history.previews).toHaveLength(1);
});
