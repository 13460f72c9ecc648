import { AutomedError } from '../../../common/errors';
import type { SampleOutcome } from '../../../scoring/results/evaluation';
import type { Alarm } from '../../protocol/alarms';
import type { Emit } from '../../protocol/protocol';

/**
 * Tells after each epoch what is wrong with a training, whenever that has changed. A look that fails costs a line, not the run.
 * @param look finds what is wrong after an epoch
 * @param resumed whether epochs of before may have told alarms, which then are replaced by those of the first look
 */
export function alarmTeller(
  look: (epoch: number, outcomes: readonly SampleOutcome[]) => Promise<Alarm[]>,
  emit: Emit,
  resumed: boolean,
): (epoch: number, outcomes: readonly SampleOutcome[]) => Promise<void> {
  let told: string[] | undefined = resumed ? undefined : [];
  return async (epoch, outcomes) => {
    let alarms: Alarm[];
    try {
      alarms = await look(epoch, outcomes);
    } catch (error) {
      const why = error instanceof AutomedError ? error.message : 'the validation images could not be looked at';
      return emit({ type: 'log', level: 'warn', message: `no alarms of epoch ${epoch}: ${why}` });
    }
    const kinds = alarms.map(({ kind }) => kind);
    if (kinds.join() === told?.join()) return;
    for (const { kind, advice } of alarms) {
      if (!told?.includes(kind)) emit({ type: 'log', level: 'warn', message: advice });
    }
    told = kinds;
    emit({ type: 'alarms', epoch, alarms });
  };
}
