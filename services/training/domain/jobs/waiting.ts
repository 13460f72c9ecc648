// Why a job that waits does not run yet, as a sentence.

import type { Job, JobTable } from './job';
import { TRAINING } from './training-kind';

export interface Waiting {
  table: JobTable;
  /** Places of workers in all, and of one job. */
  places: number;
  placesOf: (job: Job) => number;
  /** What people call jobs of a kind. */
  nounOf: (kind: string) => string;
  /** When a job whose worker died is tried again, milliseconds since 1970; undefined: at once. */
  notBefore: (id: string) => number | undefined;
  /** Whether this service runs the job at all. */
  runs: (job: Job) => boolean;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The state of a job in a sentence: why it is in it, and what it waits for. */
export const stateText = ({ stateMessage }: Job, waiting: string): string =>
  [stateMessage, waiting].filter((text) => text !== '').join(' ');

/** What a job waits for; empty for one that does not wait. */
export function waitsFor(job: Job, { table, places, placesOf, nounOf, notBefore, runs }: Waiting): string {
  if (job.state !== 'PENDING' && job.state !== 'RESUMING') return '';
  if (!runs(job)) return 'Waits for a server: this service only answers, and runs no jobs.';
  const again = notBefore(job.id);
  if (again !== undefined && again > Date.now()) {
    return `Waits after the death of its worker; it is tried again in ${Math.ceil((again - Date.now()) / 1000)} s.`;
  }
  const busy = table.inStates(['RUNNING', 'PAUSING', 'CANCELLING']);
  const taken = busy.reduce((sum, each) => sum + placesOf(each), 0);
  const queue = table.inStates(['PENDING', 'RESUMING']).filter(runs);
  const ahead = queue.findIndex(({ id }) => id === job.id);
  const names = busy
    .slice(0, 3)
    .map(({ kind, name, id }) => `${kind === TRAINING ? '' : `${nounOf(kind)} `}${name} (${id})`);
  const more = busy.length > names.length ? ` and ${busy.length - names.length} more` : '';
  const own = placesOf(job);
  const what = own === 1 ? 'a worker' : counted(own, 'worker');
  const held = busy.length === 0 ? '' : `: ${taken} of ${places} at work on ${names.join(', ')}${more}`;
  return `Waits for ${what}${held}${ahead > 0 ? `; ${counted(ahead, 'job')} before it` : ''}.`;
}
