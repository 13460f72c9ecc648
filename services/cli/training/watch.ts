// How a job goes, on the terminal.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingEvent__Output } from '../../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingJob__Output } from '../../../proto/gen/automed/training/v1/TrainingJob';
import type { TrainingPreview__Output } from '../../../proto/gen/automed/training/v1/TrainingPreview';
import { makeFolder } from '../../common/make-folder';
import type { TrainingJobsClient } from '../../client';
import { stateOf } from '../../terminal/state';
import type { TrainingDisplay } from '../../terminal/training-display';
import { displayEvents, millisecondsOf } from '../../terminal/display-events';

export interface WatchOptions {
  display: TrainingDisplay;
  /** Ends the watch, not the job. */
  signal: AbortSignal;
  /** Shows only what happens after this time, milliseconds since 1970. */
  after?: number | undefined;
  /** Folder for the pictures of every epoch. */
  previews?: string | undefined;
  /** Hears of every event. */
  onEvent?: ((event: TrainingEvent__Output) => void) | undefined;
}

export const waits = (job: TrainingJob__Output): boolean => ['PENDING', 'RESUMING'].includes(stateOf(job));

/** Shows a job to its end; resolves to what became of it. */
export async function watchJob(
  jobs: TrainingJobsClient,
  job: TrainingJob__Output,
  { display, signal, after = -Infinity, previews, onEvent }: WatchOptions,
): Promise<TrainingJob__Output> {
  const show = displayEvents(display, job.spec?.task === 'TASK_CLASSIFICATION' ? 'accuracy' : 'mdsc');
  // One that has reached its age is replaced at once, and nobody need know.
  const onBroken = (breaks: number): void => {
    if (breaks === 2) display.note('the connection is lost; trying again');
  };
  for await (const event of jobs.watch(job.id, { onBroken, signal })) {
    const { stateChange, preview, time } = event;
    onEvent?.(event);
    if (preview && previews !== undefined) await writePreview(previews, preview);
    if (millisecondsOf(time) <= after) continue;
    show(event);
    // How it ended is told by whoever waits for that.
    if (stateChange && stateChange.message !== '' && stateOf(stateChange) !== 'FAILED') {
      display.note(`${stateOf(stateChange)}: ${stateChange.message}`);
    }
  }
  return jobs.get(job.id);
}

/** Writes epoch-0001.png and, what its pictures are, epoch-0001.txt; one that is kept no more is left out. */
async function writePreview(folder: string, { epoch, png, pictures }: TrainingPreview__Output): Promise<void> {
  if (png.length === 0) return;
  await makeFolder(folder);
  const path = join(folder, `epoch-${String(epoch).padStart(4, '0')}`);
  await writeFile(`${path}.png`, png);
  await writeFile(`${path}.txt`, pictures.map(({ name, caption }) => `${name}: ${caption}\n`).join(''));
}
