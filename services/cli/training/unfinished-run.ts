// What an earlier run left in a job folder: going on with it or beginning anew is the user's choice, never a guess.

import { interruptedAt } from '../../worker/job-folder/job-state';
import { UsageError } from '../program/errors';

export interface Choice {
  resume?: boolean;
  restart?: boolean;
}

/** @throws UsageError when there is an interrupted run and neither was said, or --resume and there is none */
export async function settleEarlierRun(jobFolder: string, { resume, restart }: Choice): Promise<void> {
  if (resume && restart) throw new UsageError('--resume and --restart exclude each other');
  // The run itself deletes what it does not go on from.
  if (restart) return;
  const found = await interruptedAt(jobFolder);
  if (found !== undefined && !resume) {
    throw new UsageError(
      `${jobFolder} holds an interrupted run (${found}): --resume goes on with it, --restart deletes it and begins anew`,
    );
  }
  if (found === undefined && resume) {
    throw new UsageError(`${jobFolder} holds no checkpoint to go on from; leave --resume out to begin`);
  }
}
