import { alarmTeller } from '../../../../../../services/worker/domain/training/tell-alarms';
import type { Alarm } from '../../../../../../services/worker/protocol/alarms';
import type { WorkerEvent } from '../../../../../../services/worker/protocol/protocol';
import { DeviceError } from '../../../../../../services/common/errors';

const LEAK: Alarm = { kind: 'groups-leak', value: 0.5, advice: 'Give groups.' };
const EMPTY: Alarm = { kind: 'empty-slices-flatter', value: 0.2, advice: 'Leave empty ones out.' };

/** What is told of looks that find this, one an epoch. */
async function told(found: readonly (readonly Alarm[] | Error)[], resumed: boolean): Promise<string[]> {
  const events: WorkerEvent[] = [];
  const look = (epoch: number): Promise<Alarm[]> => {
    const now = found[epoch - 1];
    return now instanceof Error ? Promise.reject(now) : Promise.resolve([...(now ?? [])]);
  };
  const tell = alarmTeller(look, (event) => void events.push(event), resumed);
  for (const at of found.keys()) await tell(at + 1, []);
  return events.map((event) => {
    if (event.type === 'log') return event.message;
    return event.type === 'alarms' ? `${event.epoch}: ${event.alarms.map(({ kind }) => kind).join(' ')}` : event.type;
  });
}

test('tells a change once, with the advice of what is new', async () => {
  expect(await told([[], [LEAK], [LEAK], [LEAK, EMPTY], []], false)).toEqual([
    ...['Give groups.', '2: groups-leak'],
    ...['Leave empty ones out.', '4: groups-leak empty-slices-flatter'],
    '5: ',
  ]);
});

test('a run that goes on takes back what it told before, when that is over', async () => {
  expect(await told([[], []], true)).toEqual(['1: ']);
  expect(await told([[LEAK], [LEAK]], true)).toEqual(['Give groups.', '1: groups-leak']);
});

test('a look that fails costs a line, and neither the run nor what was told', async () => {
  const broken = new DeviceError('DEVICE_UNAVAILABLE', 'the device is gone');
  expect(await told([[LEAK], broken, new Error('EIO: /patients/ada'), [LEAK]], false)).toEqual([
    ...['Give groups.', '1: groups-leak'],
    'no alarms of epoch 2: the device is gone',
    'no alarms of epoch 3: the validation images could not be looked at',
  ]);
});
