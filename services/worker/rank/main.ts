// Entry of a rank that somebody else started, such as a pod: its place comes from the environment
// (launch/rank-environment.ts), the training's specification from a file that all ranks see.
//
//   node dist/services/worker/rank/main.js --spec FILE [--events PREFIX]
//
// What happens goes to <PREFIX>-<rank>.jsonl, one event per line, without --events to standard output. Of what a training
// tells only rank 0's is there; every rank says how it ended. The training itself runs in a child process, so that even a crash
// of native code leaves a last line. Ends with 0 when the rank did its part.

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { AutomedError, automedError } from '../../common/errors';
import { findWorker } from '../launch/launch-worker';
import type { RankEnvironment } from '../launch/rank-environment';
import { RankProcess, type RankOutcome } from '../launch/rank-process';
import { trainSpecSchema, type TrainSpec, type WorkerEvent } from '../protocol/protocol';
import { environment, rankEnvironment } from './config';

function readSpec(path: string | undefined, { worldSize }: RankEnvironment): TrainSpec {
  if (path === undefined) throw automedError('INVALID_ARGUMENT', '--spec names no file.', { field: 'spec' });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw automedError('INVALID_ARGUMENT', `The specification cannot be read: ${(cause as Error).message}.`, {
      field: 'spec',
      cause,
    });
  }
  const parsed = trainSpecSchema.safeParse(content);
  if (!parsed.success) {
    throw automedError('INVALID_ARGUMENT', `The specification is not right: ${z.prettifyError(parsed.error)}`, {
      field: 'spec',
    });
  }
  const { ranks } = parsed.data;
  if (ranks !== 1 && ranks !== worldSize) {
    throw automedError('INVALID_ARGUMENT', `The run is for ${ranks} ranks, and there are ${worldSize}.`, {
      field: 'ranks',
    });
  }
  return { ...parsed.data, ranks: worldSize };
}

function lastEvent(outcome: RankOutcome): WorkerEvent {
  if (outcome.type === 'finished') return outcome.event;
  if (outcome.type === 'crashed') return { type: 'failed', code: 'SERVICE_UNAVAILABLE', message: outcome.how };
  const { code, message, field } = outcome.error;
  return { type: 'failed', code, message, ...(field === undefined ? {} : { field }) };
}

async function runRank(
  spec: TrainSpec,
  place: RankEnvironment,
  tell: (event: WorkerEvent) => void,
): Promise<RankOutcome> {
  const rank = new RankProcess({ spec, place, env: environment(), workerPath: findWorker(), onEvent: tell });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => rank.cancel());
  return rank.outcome;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { spec: { type: 'string' }, events: { type: 'string' } } });
  let tell = (event: WorkerEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
  try {
    const place = rankEnvironment();
    if (values.events !== undefined) {
      const path = `${values.events}-${place.rank}.jsonl`;
      writeFileSync(path, '');
      tell = (event) => appendFileSync(path, `${JSON.stringify(event)}\n`);
    }
    const outcome = await runRank(readSpec(values.spec, place), place, tell);
    tell(lastEvent(outcome));
    return outcome.type === 'finished' ? 0 : 1;
  } catch (error) {
    const known = error instanceof AutomedError ? error : automedError('INTERNAL', String(error));
    tell(lastEvent({ type: 'failed', error: known }));
    process.stderr.write(`${known.message}\n`);
    return 1;
  }
}

void main().then((code) => {
  process.exitCode = code;
});
