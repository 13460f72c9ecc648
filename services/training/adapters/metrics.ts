import { Gauge } from 'prom-client';
import type { Telemetry } from '../../common/telemetry';
import type { JobTable } from '../domain/jobs/job';
import type { Scheduler } from '../domain/jobs/scheduler';
import { isFinal, STATES, type State } from '../domain/jobs/state';

/** States that jobs leave by themselves or when somebody asks. */
const OPEN: readonly State[] = STATES.filter((state) => !isFinal(state));

/** Publishes what the queue holds and what epochs took, read at each scrape. */
export function observeQueue(
  telemetry: Telemetry,
  table: Pick<JobTable, 'inStates'>,
  scheduler: Pick<Scheduler, 'running' | 'epochTime'>,
): void {
  const registers = [telemetry.registry];
  telemetry.counter('training_epoch_seconds_total', 'Seconds that epochs took', () => scheduler.epochTime.total);
  telemetry.counter(
    'training_data_wait_seconds_total',
    'Seconds of them in which steps waited for samples to be read and augmented',
    () => scheduler.epochTime.dataWait,
  );
  new Gauge({
    name: 'automed_training_workers',
    help: 'Workers at work',
    registers,
    collect() {
      this.set(scheduler.running);
    },
  });
  new Gauge({
    name: 'automed_training_jobs',
    help: 'Jobs that have not ended, by state',
    labelNames: ['state'],
    registers,
    collect() {
      const jobs = table.inStates(OPEN);
      for (const state of OPEN) this.set({ state }, jobs.filter((job) => job.state === state).length);
    },
  });
  new Gauge({
    name: 'automed_training_oldest_wait_seconds',
    help: 'Age of the oldest job that waits for its first worker; 0 when none waits',
    registers,
    collect() {
      const oldest = Math.min(...table.inStates(['PENDING']).map(({ createTime }) => createTime));
      this.set(Number.isFinite(oldest) ? Math.max(0, Date.now() - oldest) / 1000 : 0);
    },
  });
}
